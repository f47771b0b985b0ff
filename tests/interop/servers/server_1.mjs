// A server on the first TypeScript SDK: the legacy era over stdio or (`--http`) HTTP at a free port, with an event store.
// With `--poll` as well, `slow` closes its stream after each step, so that the client has to resume it. Nobody here wrote
// its protocol code. The tools are those of tests/fixtures/servers/modern_server.py.

import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

import { InMemoryEventStore } from '@modelcontextprotocol/sdk/examples/shared/inMemoryEventStore.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { z } from 'zod';

// `slow` waits this long between two steps, so that a test has time to cancel it.
const STEP_MS = 50;
// How soon a client returns to a stream that was closed.
const RETRY_MS = 20;

// The SDK's store sorts events by ids that end in random text, so it mixes up, and so loses, those of one millisecond.
class OrderedEventStore extends InMemoryEventStore {
    generateEventId(streamId) {
        return `${streamId}_${String(this.events.size).padStart(9, '0')}`;
    }
}

const text = value => ({ content: [{ type: 'text', text: String(value) }] });
const polls = process.argv.includes('--poll');
let cancelled = 0;

function build() {
    const server = new McpServer(
        { name: 'server-1', version: '1.0.0' },
        { capabilities: { tools: { listChanged: true }, logging: {} }, instructions: 'A fixture for interop tests.' }
    );
    server.registerTool('add', { inputSchema: { a: z.number(), b: z.number() } }, ({ a, b }) => text(a + b));
    server.registerTool('echo', { inputSchema: { text: z.string() } }, arguments_ => text(arguments_.text));
    server.registerTool('slow', { inputSchema: { steps: z.number() } }, async ({ steps }, extra) => {
        for (let step = 1; step <= steps; step += 1) {
            await sleep(STEP_MS, undefined, { signal: extra.signal }).catch(error => {
                cancelled += 1;
                throw error;
            });
            const progressToken = extra._meta?.progressToken;
            if (progressToken === undefined) continue;
            const params = { progressToken, progress: step, total: steps };
            await extra.sendNotification({ method: 'notifications/progress', params });
            if (polls) extra.closeSSEStream?.();
        }
        return text(`${steps} steps`);
    });
    server.registerTool('cancelled', {}, () => text(cancelled));
    server.registerTool('ask', {}, async () => {
        const requestedSchema = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] };
        const answer = await server.server.elicitInput({ message: 'What is your name?', requestedSchema });
        return text(answer.action === 'accept' ? `Hello, ${answer.content.name}` : `no name: ${answer.action}`);
    });
    server.registerTool('touch', {}, () => {
        server.sendToolListChanged();
        return text('touched');
    });
    server.registerTool('fail', {}, () => {
        throw new Error('this tool always fails');
    });
    server.registerResource('greeting', 'fixture://greeting', { mimeType: 'text/plain' }, uri => ({
        contents: [{ uri: uri.href, mimeType: 'text/plain', text: 'hello' }]
    }));
    server.registerPrompt('introduce', { argsSchema: { name: z.string() } }, ({ name }) => ({
        messages: [{ role: 'user', content: { type: 'text', text: `Introduce yourself to ${name}.` } }]
    }));
    return server;
}

const sessions = new Map();

async function answer(request, response) {
    console.error(`${request.method} ${request.url}`);
    const id = request.headers['mcp-session-id'];
    if (id && !sessions.has(id)) return response.writeHead(404).end();
    if (id) return sessions.get(id).handleRequest(request, response);
    const transport = new StreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        eventStore: new OrderedEventStore(),
        retryInterval: RETRY_MS,
        onsessioninitialized: id => void sessions.set(id, transport),
        onsessionclosed: id => void sessions.delete(id)
    });
    await build().connect(transport);
    return transport.handleRequest(request, response);
}

if (process.argv.includes('--http')) {
    const server = createServer((request, response) => void answer(request, response).catch(console.error));
    server.listen(0, '127.0.0.1', () => console.error(`listening on http://127.0.0.1:${server.address().port}/mcp`));
} else {
    await build().connect(new StdioServerTransport());
}
