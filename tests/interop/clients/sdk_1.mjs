// The first TypeScript SDK as a client: the legacy era only. Arguments: the program of the server, and its arguments.

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import {
    ElicitRequestSchema,
    ResourceListChangedNotificationSchema,
    ResultSchema
} from '@modelcontextprotocol/sdk/types.js';

import { FORM_ANSWER, converse } from './steps.mjs';

const [command, ...args] = process.argv.slice(2);
const client = new Client({ name: 'sdk-1', version: '1.0.0' }, { capabilities: { elicitation: {} } });
const transport = new StdioClientTransport({ command, args });

let questions = 0;
client.setRequestHandler(ElicitRequestSchema, async () => {
    questions += 1;
    return FORM_ANSWER;
});

// This SDK keeps the version it agreed on to itself, but tells the transport.
let version = '';
transport.setProtocolVersion = agreed => {
    version = agreed;
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
    close: () => client.close()
});
