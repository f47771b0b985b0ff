// An authorization server on oidc-provider, which is certified, and beside it a small MCP endpoint that accepts
// its tokens. A login is granted without a person: each page redirects at once.
//
// TOKEN_LIFE: the life of an access token in seconds. TOKEN_FORMAT: opaque or jwt. DPOP=1: tokens may be bound. PKCE=0: it
// is required and not announced. Some clients are known beforehand: `resource-server`, which asks about tokens, and for each
// algorithm `service-ALG`, which gets tokens that are signed by it, and whose own key is at /service-key.
//
// POST /control?rotate=1 replaces the keys, ?down=1 and ?down=0 are an outage and its end.

import { createPrivateKey, createPublicKey, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

import Provider from 'oidc-provider';

const life = Number(process.env.TOKEN_LIFE ?? 3600);
const format = process.env.TOKEN_FORMAT ?? 'opaque';
const scopes = ['mcp:read', 'mcp:write'];
const stats = { grants: {}, errors: [], verifiers: [], calls: 0, authorizations: 0, jwks: 0, introspections: 0 };
let down = false;

const ALGORITHMS = {
    RS256: 'RSA',
    RS384: 'RSA',
    RS512: 'RSA',
    PS256: 'RSA',
    PS384: 'RSA',
    PS512: 'RSA',
    ES256: 'P-256',
    ES384: 'P-384',
    EdDSA: 'Ed25519'
};

// Private keys for these tests alone: three of each kind. Node.js 20 sometimes hangs where it generates one.
const KEYS = JSON.parse(readFileSync(new URL('keys.json', import.meta.url)));
let used = 0;

// The next key of each kind, by kind.
function pairs() {
    const at = used === 0 ? 0 : 1 + (used % 2);
    used += 1;
    return Object.fromEntries(Object.entries(KEYS).map(([kind, pems]) => [kind, pair(pems[at])]));
}

function pair(pem) {
    const kid = randomUUID();
    const jwk = key => ({ ...key.export({ format: 'jwk' }), kid, use: 'sig' });
    return { secret: jwk(createPrivateKey(pem)), open: jwk(createPublicKey(pem)), pem };
}

const services = pairs();

function clients() {
    const none = { redirect_uris: [], response_types: [] };
    const service = ([alg, kind]) => ({
        ...none,
        client_id: `service-${alg}`,
        grant_types: ['client_credentials'],
        token_endpoint_auth_method: 'private_key_jwt',
        token_endpoint_auth_signing_alg: alg,
        jwks: { keys: [services[kind].open] },
        scope: scopes.join(' ')
    });
    const asks = { ...none, client_id: 'resource-server', client_secret: 'secret-of-a-fixture', grant_types: [] };
    return [asks, ...Object.entries(ALGORITHMS).map(service)];
}
let provider;
let issuer;

// What was issued, over all instances of the provider.
const kept = new Map();

class Kept {
    constructor(model) {
        this.model = model;
    }
    async upsert(id, payload) {
        kept.set(`${this.model}:${id}`, { ...payload, id });
    }
    async find(id) {
        return kept.get(`${this.model}:${id}`);
    }
    async findBy(member, value) {
        return [...kept].find(([key, payload]) => key.startsWith(`${this.model}:`) && payload[member] === value)?.[1];
    }
    async findByUid(uid) {
        return this.findBy('uid', uid);
    }
    async findByUserCode(code) {
        return this.findBy('userCode', code);
    }
    async consume(id) {
        (await this.find(id)).consumed = Math.floor(Date.now() / 1000);
    }
    async destroy(id) {
        kept.delete(`${this.model}:${id}`);
    }
    async revokeByGrantId(grant) {
        for (const [key, payload] of kept) if (payload.grantId === grant) kept.delete(key);
    }
}

function configuration() {
    return {
        adapter: Kept,
        jwks: { keys: Object.values(pairs()).map(pair => pair.secret) },
        enabledJWA: { clientAuthSigningAlgValues: Object.keys(ALGORITHMS) },
        clients: clients(),
        scopes: ['openid', 'offline_access', ...scopes],
        pkce: { required: () => true },
        ttl: { AccessToken: life, RefreshToken: 86400, Grant: 86400, Session: 86400, Interaction: 600 },
        rotateRefreshToken: true,
        issueRefreshToken: async (_, client) => client.grantTypeAllowed('refresh_token'),
        cookies: { keys: ['of a fixture'] },
        interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
        findAccount: (_, sub) => ({ accountId: sub, claims: async () => ({ sub }) }),
        clientDefaults: { scope: ['openid', 'offline_access', ...scopes].join(' ') },
        features: {
            devInteractions: { enabled: false },
            registration: { enabled: true },
            revocation: { enabled: true },
            introspection: { enabled: true },
            clientCredentials: { enabled: true },
            deviceFlow: { enabled: true },
            dPoP: { enabled: process.env.DPOP === '1' },
            resourceIndicators: {
                enabled: true,
                useGrantedResource: () => true,
                getResourceServerInfo: (_, audience, client) => ({
                    scope: scopes.join(' '),
                    audience,
                    accessTokenTTL: life,
                    accessTokenFormat: format,
                    jwt: { sign: { alg: /^service-(.*)/.exec(client.clientId)?.[1] ?? 'RS256' } }
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
    const { pathname, searchParams } = new URL(request.url, issuer);
    if (pathname === '/control') {
        if (searchParams.has('rotate')) provider = build();
        if (searchParams.has('down')) down = searchParams.get('down') === '1';
        return response.writeHead(204).end();
    }
    if (pathname === '/mcp') return serve(request, response);
    if (pathname.startsWith('/.well-known/oauth-protected-resource')) {
        return json(response, { resource: `${issuer}/mcp`, authorization_servers: [issuer], scopes_supported: scopes });
    }
    if (pathname === '/stats') return json(response, stats);
    if (pathname === '/service-key') return response.end(services[ALGORITHMS[searchParams.get('alg')]].pem);
    if (down) return response.writeHead(503).end();
    if (pathname === '/jwks') stats.jwks += 1;
    if (pathname === '/token/introspection') stats.introspections += 1;
    if (pathname.startsWith('/interaction/')) return interact(request, response);
    if (pathname === '/reg' && request.method === 'POST') {
        // The SDKs register with the scopes of their first login, which would refuse a step-up.
        let body = '';
        for await (const chunk of request) body += chunk;
        request.body = { ...JSON.parse(body), scope: undefined };
    }
    if (pathname === '/auth') stats.authorizations += 1;
    return provider.callback()(request, response);
}

// With new keys. What was issued is kept by the adapter.
function build() {
    const provider = new Provider(issuer, configuration());
    provider.use(async (context, next) => {
        await next();
        if (process.env.PKCE === '0') delete context.body?.code_challenge_methods_supported;
    });
    provider.on('grant.success', ({ oidc }) => {
        const type = oidc.params.grant_type;
        stats.grants[type] = (stats.grants[type] ?? 0) + 1;
        if (oidc.params.code_verifier) stats.verifiers.push(oidc.params.code_verifier);
    });
    provider.on('grant.error', (_, error) => stats.errors.push(`${error.message}: ${error.error_detail ?? ''}`));
    provider.on('server_error', (_, error) => console.error(`failed: ${error.stack}`));
    return provider;
}

const server = createServer((request, response) => {
    handle(request, response).catch(error => {
        console.error(`failed: ${error.stack}`);
        response.writeHead(500).end();
    });
});
server.listen(0, '127.0.0.1', () => {
    issuer = `http://127.0.0.1:${server.address().port}`;
    provider = build();
    console.log(`listening ${issuer}/mcp`);
});
process.on('SIGTERM', () => process.exit(0));
