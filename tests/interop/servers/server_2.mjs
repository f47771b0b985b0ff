// A server on the second TypeScript SDK: both eras over stdio or (`--http`) HTTP at a free port, and
// nobody here wrote its protocol code. The tools are those of tests/fixtures/servers/modern_server.py.

import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

import { toNodeHandler } from '@modelcontextprotocol/node';
import {
    McpServer,
    WebStandardStreamableHTTPServerTransport,
    acceptedContent,
    createMcpHandler,
    inputRequired,
    isLegacyRequest
} from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';

// `slow` waits this long between two steps, so that a test has time to cancel it.
const STEP_MS = 50;

const text = value => ({ content: [{ type: 'text', text: String(value) }] });
const Name = z.object({ name: z.string() });
let cancelled = 0;
// Over HTTP, those who listen in the modern era hear of changes by it.
let notifier;

function build() {
    const server = new McpServer(
        { name: 'server-2', version: '1.0.0' },
        { capabilities: { tools: { listChanged: true }, logging: {} }, instructions: 'A fixture for interop tests.' }
    );
    server.registerTool('add', { inputSchema: z.object({ a: z.number(), b: z.number() }) }, ({ a, b }) => text(a + b));
    server.registerTool('echo', { inputSchema: z.object({ text: z.string() }) }, arguments_ => text(arguments_.text));
    server.registerTool('slow', { inputSchema: z.object({ steps: z.number() }) }, async ({ steps }, context) => {
        const { signal, _meta, notify } = context.mcpReq;
        for (let step = 1; step <= steps; step += 1) {
            await sleep(STEP_MS, undefined, { signal }).catch(error => {
                cancelled += 1;
                throw error;
            });
            if (_meta?.progressToken === undefined) continue;
            const params = { progressToken: _meta.progressToken, progress: step, total: steps };
            await notify({ method: 'notifications/progress', params });
        }
        return text(`${steps} steps`);
    });
    server.registerTool('cancelled', {}, () => text(cancelled));
    server.registerTool('ask', {}, context => {
        const answer = acceptedContent(context.mcpReq.inputResponses, 'name', Name);
        if (answer) return text(`Hello, ${answer.name}`);
        const question = inputRequired.elicit({ message: 'What is your name?', requestedSchema: Name });
        return inputRequired({ inputRequests: { name: question } });
    });
    server.registerTool('touch', {}, () => {
        notifier?.toolsChanged();
        server.sendToolListChanged();
        return text('touched');
    });
    server.registerTool('fail', {}, () => {
        throw new Error('this tool always fails');
    });
    server.registerResource('greeting', 'fixture://greeting', { mimeType: 'text/plain' }, uri => ({
        contents: [{ uri: uri.href, mimeType: 'text/plain', text: 'hello' }]
    }));
    server.registerPrompt('introduce', { argsSchema: Name }, ({ name }) => ({
        messages: [{ role: 'user', content: { type: 'text', text: `Introduce yourself to ${name}.` } }]
    }));
    return server;
}

const onerror = error => console.error(error);
const sessions = new Map();

// Sessions, as servers of the legacy era have had them. The SDK's own handler serves that era without.
async function legacy(request) {
    const id = request.headers.get('mcp-session-id');
    if (id) return (await sessions.get(id)?.handleRequest(request)) ?? new Response(null, { status: 404 });
    const transport = new WebStandardStreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        onsessioninitialized: id => void sessions.set(id, transport),
        onsessionclosed: id => void sessions.delete(id)
    });
    await build().connect(transport);
    return transport.handleRequest(request);
}

function serveHttp() {
    const modern = createMcpHandler(build, { legacy: 'reject', onerror });
    notifier = modern.notify;
    const fetch = async request => {
        console.error(`${request.method} ${new URL(request.url).pathname}`);
        return (await isLegacyRequest(request)) ? legacy(request) : modern.fetch(request);
    };
    const server = createServer(toNodeHandler({ fetch }, { onerror }));
    server.listen(0, '127.0.0.1', () => console.error(`listening on http://127.0.0.1:${server.address().port}/mcp`));
}

if (process.argv[2] === '--http') serveHttp();
else serveStdio(build, { onerror });
