// A resource server on the second TypeScript SDK, for tokens of the authorization server whose issuer is the argument. It asks that
// server about each token. The tool `write` needs a scope that a first login does not ask for.

import { createServer } from 'node:http';

import { toNodeHandler } from '@modelcontextprotocol/node';
import {
    McpServer,
    OAuthError,
    OAuthErrorCode,
    createMcpHandler,
    getOAuthProtectedResourceMetadataUrl,
    oauthMetadataResponse,
    requireBearerAuth,
    requireScopes
} from '@modelcontextprotocol/server';

const issuer = process.argv[2];
const metadata = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json();
const credentials = Buffer.from('resource-server:secret-of-a-fixture').toString('base64');

async function verifyAccessToken(token) {
    const response = await fetch(metadata.introspection_endpoint, {
        method: 'POST',
        headers: { authorization: `Basic ${credentials}` },
        body: new URLSearchParams({ token })
    });
    const { active, client_id, scope, exp, aud } = await response.json();
    if (!active) throw new OAuthError(OAuthErrorCode.InvalidToken, 'not active');
    return { token, clientId: client_id, scopes: scope.split(' '), expiresAt: exp, resource: new URL(aud) };
}

function build() {
    const server = new McpServer({ name: 'resource', version: '1' });
    const answer = context => ({ content: [{ type: 'text', text: context.http.authInfo.scopes.join(' ') }] });
    server.registerTool('read', {}, answer);
    server.registerTool('write', { scopeChallenge: requireScopes('mcp:read', 'mcp:write') }, answer);
    return server;
}

const listening = createServer().listen(0, '127.0.0.1', () => {
    const url = new URL(`http://127.0.0.1:${listening.address().port}/mcp`);
    const documents = { oauthMetadata: metadata, resourceServerUrl: url, scopesSupported: ['mcp:read'] };
    const gate = requireBearerAuth({
        verifier: { verifyAccessToken },
        requiredScopes: ['mcp:read'],
        resourceMetadataUrl: getOAuthProtectedResourceMetadataUrl(url),
        expectedResource: url
    });
    const handler = createMcpHandler(build);
    const serve = async request => {
        const authInfo = await gate(request);
        return authInfo instanceof Response ? authInfo : handler.fetch(request, { authInfo });
    };
    listening.on('request', toNodeHandler({ fetch: request => oauthMetadataResponse(request, documents) ?? serve(request) }));
    console.log(`listening on ${url}`);
});
