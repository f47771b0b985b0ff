// The second TypeScript SDK as a client. Arguments: `default`, `auto`, `legacy` or a version to pin, then the program of
// the server and its arguments, or its URL.

import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

import { FORM_ANSWER, check, converse } from './steps.mjs';

// A schema that takes every result.
const anything = { '~standard': { version: 1, vendor: 'interop', validate: value => ({ value }) } };

const [mode, command, ...args] = process.argv.slice(2);
const MODES = { default: undefined, auto: { mode: 'auto' }, legacy: { mode: 'legacy' } };
const versionNegotiation = mode in MODES ? MODES[mode] : { mode: { pin: mode } };
const client = new Client(
    { name: 'client-2', version: '1.0.0' },
    { capabilities: { elicitation: { form: {} } }, versionNegotiation }
);
const transport = command.startsWith('http')
    ? new StreamableHTTPClientTransport(new URL(command))
    : new StdioClientTransport({ command, args });

let questions = 0;
client.setRequestHandler('elicitation/create', async () => {
    questions += 1;
    return FORM_ANSWER;
});

await converse({
    transport,
    connect: async () => {
        await client.connect(transport);
        return client.getNegotiatedProtocolVersion();
    },
    call: (name, args, options) => client.callTool({ name, arguments: args }, options),
    listTools: () => client.listTools(),
    listResources: () => client.listResources(undefined, { cacheMode: 'bypass' }),
    listResourceTemplates: () => client.listResourceTemplates(),
    readResource: uri => client.readResource({ uri }),
    listPrompts: () => client.listPrompts(),
    getPrompt: (name, args) => client.getPrompt({ name, arguments: args }),
    complete: params => client.complete(params),
    // Over HTTP this SDK leaves the error of a 404 in the text of an error of its own.
    raw: method =>
        client.request({ method, params: {} }, anything).catch(error => {
            throw error.data?.text ? JSON.parse(error.data.text).error : error;
        }),
    asked: () => questions,
    nextChange: async () => {
        const changed = new Promise(resolve => {
            client.setNotificationHandler('notifications/resources/list_changed', resolve);
        });
        if (client.getProtocolEra() !== 'modern') return { changed, end: async () => {} };
        const subscription = await client.listen({ resourcesListChanged: true });
        check(subscription.honoredFilter.resourcesListChanged === true, JSON.stringify(subscription.honoredFilter));
        const end = async () => {
            await subscription.close();
            check((await subscription.closed) === 'local', 'the subscription was ended here');
        };
        return { changed, end };
    },
    close: async () => {
        // A session is ended by the application; in the modern era there is none.
        if (transport.sessionId) await transport.terminateSession();
        await client.close();
    }
});
