// An authorization server on oidc-provider, which is certified, and beside it a small MCP endpoint that accepts
// its tokens. A login is granted without a person: each page redirects at once.
//
// TOKEN_LIFE: the life of an access token in seconds. TOKEN_FORMAT: opaque or jwt. DPOP=1: tokens may be bound.

import { createServer } from 'node:http';

import Provider from 'oidc-provider';

const life = Number(process.env.TOKEN_LIFE ?? 3600);
const format = process.env.TOKEN_FORMAT ?? 'opaque';
const scopes = ['mcp:read', 'mcp:write'];
const stats = { grants: {}, errors: [], calls: 0, authorizations: 0 };
let provider;
let issuer;

function configuration() {
    return {
        scopes: ['openid', 'offline_access', ...scopes],
        pkce: { required: () => true },
        ttl: { AccessToken: life, RefreshToken: 86400, Grant: 86400, Session: 86400, Interaction: 600 },
        rotateRefreshToken: true,
        issueRefreshToken: async () => true,
        cookies: { keys: ['of a fixture'] },
        interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
        findAccount: (_, sub) => ({ accountId: sub, claims: async () => ({ sub }) }),
        clientDefaults: { scope: ['openid', 'offline_access', ...scopes].join(' ') },
        features: {
            devInteractions: { enabled: false },
            registration: { enabled: true },
            revocation: { enabled: true },
            introspection: { enabled: true },
            deviceFlow: { enabled: true },
            dPoP: { enabled: process.env.DPOP === '1' },
            resourceIndicators: {
                enabled: true,
                useGrantedResource: () => true,
                getResourceServerInfo: (_, audience) => ({
                    scope: scopes.join(' '),
                    audience,
                    accessTokenTTL: life,
                    accessTokenFormat: format,
                    jwt: { sign: { alg: 'RS256' } }
                })
            }
        }
    };
}

// Logs in as one account, and grants what is asked for.
async function interact(request, response) {
    const details = await provider.interactionDetails(request, response);
    if (details.prompt.name === 'login') {
        const result = { login: { accountId: 'alice' } };
        await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
        return;
    }
    const { missingOIDCScope, missingResourceScopes } = details.prompt.details;
    const found = details.grantId && (await provider.Grant.find(details.grantId));
    const grant = found || new provider.Grant({ accountId: details.session.accountId, clientId: details.params.client_id });
    if (missingOIDCScope) grant.addOIDCScope(missingOIDCScope.join(' '));
    for (const [resource, missing] of Object.entries(missingResourceScopes ?? {})) {
        grant.addResourceScope(resource, missing.join(' '));
    }
    const consent = { grantId: await grant.save() };
    await provider.interactionFinished(request, response, { consent }, { mergeWithLastSubmission: true });
}

// What a token is for; undefined if it is no longer valid.
async function introspect(request) {
    const [scheme, value] = (request.headers.authorization ?? '').split(' ');
    if (!value || !['bearer', 'dpop'].includes(scheme.toLowerCase())) return undefined;
    if (format === 'jwt') {
        const { createRemoteJWKSet, jwtVerify } = await import('jose');
        keys ??= createRemoteJWKSet(new URL(`${issuer}/jwks`));
        const verified = await jwtVerify(value, keys, { issuer, audience: `${issuer}/mcp` }).catch(() => undefined);
        return verified && { scope: verified.payload.scope };
    }
    const token = await provider.AccessToken.find(value);
    const usable = token && !token.isExpired && [token.aud].flat().includes(`${issuer}/mcp`);
    return usable ? { scope: token.scope } : undefined;
}
let keys;

const NAMES = { read: 'mcp:read', write: 'mcp:write' };

async function serve(request, response) {
    const metadata = `resource_metadata="${issuer}/.well-known/oauth-protected-resource/mcp"`;
    const refuse = (status, challenge) => {
        response.writeHead(status, { 'WWW-Authenticate': `Bearer ${challenge}, ${metadata}` }).end();
    };
    const token = await introspect(request);
    if (!token) return refuse(401, 'scope="mcp:read"');
    if (request.method !== 'POST') return response.writeHead(405).end();
    let body = '';
    for await (const chunk of request) body += chunk;
    const { id, method, params } = JSON.parse(body);
    const needed = method === 'tools/call' ? NAMES[params.name] : 'mcp:read';
    if (!(token.scope ?? '').split(' ').includes(needed)) return refuse(403, `error="insufficient_scope", scope="${needed}"`);
    if (id === undefined) return response.writeHead(202).end();
    const results = {
        initialize: {
            protocolVersion: '2025-11-25',
            capabilities: { tools: {} },
            serverInfo: { name: 'authorized', version: '1' }
        },
        ping: {},
        'tools/list': { tools: Object.keys(NAMES).map(name => ({ name, inputSchema: { type: 'object' } })) },
        'tools/call': { content: [{ type: 'text', text: `${params?.name} done` }] }
    };
    stats.calls += method === 'tools/call' ? 1 : 0;
    const result = results[method];
    const answer = result ? { result } : { error: { code: -32601, message: 'unknown method' } };
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify({ jsonrpc: '2.0', id, ...answer }));
}

function json(response, value) {
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
}

async function handle(request, response) {
    const { pathname } = new URL(request.url, issuer);
    if (pathname === '/mcp') return serve(request, response);
    if (pathname.startsWith('/.well-known/oauth-protected-resource')) {
        return json(response, { resource: `${issuer}/mcp`, authorization_servers: [issuer], scopes_supported: scopes });
    }
    if (pathname === '/stats') return json(response, stats);
    if (pathname.startsWith('/interaction/')) return interact(request, response);
    if (pathname === '/auth') stats.authorizations += 1;
    return provider.callback()(request, response);
}

const server = createServer((request, response) => {
    handle(request, response).catch(error => {
        console.error(`failed: ${error.stack}`);
        response.writeHead(500).end();
    });
});
server.listen(0, '127.0.0.1', () => {
    issuer = `http://127.0.0.1:${server.address().port}`;
    provider = new Provider(issuer, configuration());
    provider.on('grant.success', ({ oidc }) => {
        const type = oidc.params.grant_type;
        stats.grants[type] = (stats.grants[type] ?? 0) + 1;
    });
    provider.on('grant.error', (_, error) => stats.errors.push(`${error.message}: ${error.error_detail ?? ''}`));
    provider.on('server_error', (_, error) => console.error(`failed: ${error.stack}`));
    console.log(`listening ${issuer}/mcp`);
});
process.on('SIGTERM', () => process.exit(0));
