// A server on the first TypeScript SDK that is its own authorization server, on that SDK's router. A login is granted without a
// person. The provider is the SDK's example, which neither refreshes nor revokes.

import { createServer } from 'node:http';

import { DemoInMemoryAuthProvider } from '@modelcontextprotocol/sdk/examples/server/demoInMemoryOAuthProvider.js';
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import { mcpAuthRouter } from '@modelcontextprotocol/sdk/server/auth/router.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import express from 'express';

const app = express();
const listening = createServer(app).listen(0, '127.0.0.1', () => {
    const issuerUrl = new URL(`http://127.0.0.1:${listening.address().port}`);
    const resourceServerUrl = new URL('/mcp', issuerUrl);
    const resourceMetadataUrl = new URL('/.well-known/oauth-protected-resource/mcp', issuerUrl).href;
    const provider = new DemoInMemoryAuthProvider(resource => resource?.href === resourceServerUrl.href);
    app.use(mcpAuthRouter({ provider, issuerUrl, resourceServerUrl, scopesSupported: ['mcp:read'] }));
    const auth = requireBearerAuth({ verifier: provider, requiredScopes: ['mcp:read'], resourceMetadataUrl });
    app.post('/mcp', auth, async (request, response) => {
        const server = new McpServer({ name: 'alone', version: '1' });
        server.registerTool('read', {}, extra => ({ content: [{ type: 'text', text: extra.authInfo.scopes.join(' ') }] }));
        const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
        await server.connect(transport);
        await transport.handleRequest(request, response);
    });
    app.all('/mcp', auth, (_, response) => void response.writeHead(405).end());
    console.log(`listening on ${resourceServerUrl}`);
});
