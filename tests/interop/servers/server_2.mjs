// A server on the second TypeScript SDK: both eras over stdio, and nobody here wrote its protocol code.
// The tools are those of tests/fixtures/servers/modern_server.py.

import { setTimeout as sleep } from 'node:timers/promises';

import { McpServer, acceptedContent, inputRequired } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';

// `slow` waits this long between two steps, so that a test has time to cancel it.
const STEP_MS = 50;

const text = value => ({ content: [{ type: 'text', text: String(value) }] });
const Name = z.object({ name: z.string() });
let cancelled = 0;

function build() {
    const server = new McpServer(
        { name: 'server-2', version: '1.0.0' },
        { capabilities: { tools: { listChanged: true }, logging: {} }, instructions: 'A fixture for interop tests.' }
    );
    server.registerTool('add', { inputSchema: z.object({ a: z.number(), b: z.number() }) }, ({ a, b }) => text(a + b));
    server.registerTool('echo', { inputSchema: z.object({ text: z.string() }) }, arguments_ => text(arguments_.text));
    server.registerTool('slow', { inputSchema: z.object({ steps: z.number() }) }, async ({ steps }, context) => {
        const { signal, _meta, notify } = context.mcpReq;
        signal.addEventListener('abort', () => (cancelled += 1));
        for (let step = 1; step <= steps; step += 1) {
            await sleep(STEP_MS, undefined, { signal });
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

serveStdio(build, { onerror: error => console.error(error) });
