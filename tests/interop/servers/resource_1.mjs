// A resource server on the first TypeScript SDK, for tokens of the authorization server whose issuer is the argument. It asks that
// server about each token.

import { createServer } from 'node:http';

import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import { mcpAuthMetadataRouter } from '@modelcontextprotocol/sdk/server/auth/router.js';
import { InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import express from 'express';

const issuer = process.argv[2];
const metadata = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json();
const credentials = Buffer.from('resource-server:secret-of-a-fixture').toString('base64');

async function verifyAccessToken(token) {
    const response = await fetch(metadata.introspection_endpoint, {
        method: 'POST',
        headers: { authorization: `Basic ${credentials}` },
        body: new URLSearchParams({ token })
    });
    const answer = await response.json();
    if (!answer.active) throw new InvalidTokenError('not active');
    return { token, clientId: answer.client_id, scopes: answer.scope.split(' '), expiresAt: answer.exp };
}

const app = express();
const listening = createServer(app).listen(0, '127.0.0.1', () => {
    const url = new URL(`http://127.0.0.1:${listening.address().port}/mcp`);
    const resourceMetadataUrl = new URL('/.well-known/oauth-protected-resource/mcp', url).href;
    app.use(mcpAuthMetadataRouter({ oauthMetadata: metadata, resourceServerUrl: url, scopesSupported: ['mcp:read'] }));
    const auth = requireBearerAuth({ verifier: { verifyAccessToken }, requiredScopes: ['mcp:read'], resourceMetadataUrl });
    app.post('/mcp', auth, async (request, response) => {
        const server = new McpServer({ name: 'resource', version: '1' });
        server.registerTool('read', {}, extra => ({ content: [{ type: 'text', text: extra.authInfo.scopes.join(' ') }] }));
        const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
        await server.connect(transport);
        await transport.handleRequest(request, response);
    });
    app.all('/mcp', auth, (_, response) => void response.writeHead(405).end());
    console.log(`listening on ${url}`);
});
