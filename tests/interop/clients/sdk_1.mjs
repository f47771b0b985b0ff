// The first TypeScript SDK as a client: the legacy era only. Arguments: the program of the server and its arguments, or its
// URL; one that ends in /sse means HTTP+SSE.

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
    ElicitRequestSchema,
    ResourceListChangedNotificationSchema,
    ResultSchema
} from '@modelcontextprotocol/sdk/types.js';

import { FORM_ANSWER, converse } from './steps.mjs';

function open() {
    if (!command.startsWith('http')) return new StdioClientTransport({ command, args });
    const url = new URL(command);
    return url.pathname === '/sse' ? new SSEClientTransport(url) : new StreamableHTTPClientTransport(url);
}

const [command, ...args] = process.argv.slice(2);
const client = new Client({ name: 'sdk-1', version: '1.0.0' }, { capabilities: { elicitation: {} } });
const transport = open();

let questions = 0;
client.setRequestHandler(ElicitRequestSchema, async () => {
    questions += 1;
    return FORM_ANSWER;
});

// This SDK keeps the version it agreed on to itself, but tells the transport.
let version = '';
const tell = transport.setProtocolVersion;
transport.setProtocolVersion = agreed => {
    version = agreed;
    tell?.call(transport, agreed);
};

await converse({
    transport,
    connect: async () => {
        await client.connect(transport);
        return version;
    },
    call: (name, args, options) => client.callTool({ name, arguments: args }, undefined, options),
    listTools: () => client.listTools(),
    listResources: () => client.listResources(),
    listResourceTemplates: () => client.listResourceTemplates(),
    readResource: uri => client.readResource({ uri }),
    listPrompts: () => client.listPrompts(),
    getPrompt: (name, args) => client.getPrompt({ name, arguments: args }),
    complete: params => client.complete(params),
    raw: method => client.request({ method, params: {} }, ResultSchema),
    asked: () => questions,
    nextChange: async () => {
        const changed = new Promise(resolve => {
            client.setNotificationHandler(ResourceListChangedNotificationSchema, resolve);
        });
        return { changed, end: async () => {} };
    },
    close: async () => {
        await transport.terminateSession?.();
        await client.close();
    }
});
