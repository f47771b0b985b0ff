// What both TypeScript clients share: one JSON line per step, and the steps themselves over a small adapter.
//
// A step prints {"step", "ok", "note"}. A step that a client cannot do is not printed; the driver knows which those are.

// How the steps are asked of our demo server, and of server-everything: tool, arguments, text wanted.
const DEMO = {
    tools: ['echo', 'slow'],
    echo: text => ['echo', { text }, text],
    add: ['add', { a: 2, b: 40 }, '42'],
    slow: steps => ['slow', { steps, delay_ms: 20 }],
    fail: ['fail', {}],
    big: ['big', { bytes: 2 << 20 }],
    resource: { listed: 'demo://readme', read: 'demo://readme', templates: 1 },
    prompt: { name: 'greet', completed: 'greet', argument: { name: 'city', value: 'Li' }, values: 'Lima,Lisbon' },
    ask: ['ask', {}, 'Hello, Ada!'],
    touch: ['touch', {}],
    touched: 'demo://note/1',
};
const EVERYTHING = {
    tools: ['echo', 'trigger-long-running-operation'],
    echo: message => ['echo', { message }, `Echo: ${message}`],
    add: ['get-sum', { a: 2, b: 40 }, 'The sum of 2 and 40 is 42.'],
    slow: steps => ['trigger-long-running-operation', { steps, duration: steps * 0.02 }],
    fail: ['get-sum', { a: 'not a number' }],
    resource: {
        listed: 'demo://resource/static/document/features.md',
        read: 'demo://resource/dynamic/text/7',
        templates: 2,
    },
    prompt: {
        name: 'args-prompt',
        completed: 'completable-prompt',
        argument: { name: 'department', value: 'S' },
        values: 'Sales,Support',
    },
    ask: ['trigger-elicitation-request', {}, '- Name: Ada'],
    touch: [
        'gzip-file-as-resource',
        { name: 'a.gz', data: 'data:text/plain,hello', outputType: 'resourceLink' },
    ],
    touched: 'demo://resource/session/a.gz',
};
const words = process.env.MCP_SERVER === 'everything' ? EVERYTHING : DEMO;

export const FORM_ANSWER = { action: 'accept', content: { name: 'Ada' } };

async function step(name, body) {
    let line;
    try {
        line = { step: name, ok: true, note: (await body()) ?? '' };
    } catch (error) {
        line = { step: name, ok: false, note: String(error?.stack ?? error) };
    }
    process.stdout.write(`${JSON.stringify(line)}\n`);
}

export function check(condition, what) {
    if (!condition) throw new Error(what);
}

function textOf(result) {
    check(!result.isError, `the tool failed: ${JSON.stringify(result).slice(0, 500)}`);
    return result.content.map(item => item.text).join('\n');
}

async function rejected(promise) {
    try {
        await promise;
    } catch (error) {
        return error;
    }
    throw new Error('this had to fail');
}

function isGone(pid) {
    try {
        process.kill(pid, 0);
        return false;
    } catch {
        return true;
    }
}

/**
 * The whole conversation. The adapter has:
 * transport, connect() -> version, call(name, args, options) -> result, and the client's list, resource, prompt and
 * request functions; nextChange() -> a promise of the next resources/list_changed, after a subscription where one is
 * needed; asked() -> how many questions the server has asked.
 */
export async function converse(peer) {
    const seen = [];
    await step('connect', async () => {
        const version = await peer.connect();
        const inner = peer.transport.onmessage;
        peer.transport.onmessage = (message, ...rest) => {
            seen.push(message);
            inner(message, ...rest);
        };
        return version;
    });
    const text = async ([name, args], options) => textOf(await peer.call(name, args, options));

    await step('list', async () => {
        const names = (await peer.listTools()).tools.map(tool => tool.name);
        check(words.tools.every(tool => names.includes(tool)), `tools: ${names}`);
    });
    await step('call', async () => {
        const echo = words.echo('hé\n\u2028llo');
        check((await text(echo)) === echo[2], 'another text came back');
        check((await text(words.add)) === words.add[2], 'another sum');
    });
    await step('progress', async () => {
        const told = [];
        const start = seen.length;
        await text(words.slow(3), { onprogress: progress => told.push(progress.progress) });
        // These SDKs drop a progress that they read together with the result, so all is checked only as it arrived.
        check(String(told) === String([1, 2, 3].slice(0, told.length)), `told: ${told}`);
        const arrived = seen.slice(start).map(message => message.params?.progress ?? 'result');
        check(String(arrived) === '1,2,3,result', `arrived: ${arrived}`);
    });
    await step('cancel', async () => {
        const abort = new AbortController();
        const start = seen.length;
        const [tool, args] = words.slow(1000);
        const options = { signal: abort.signal, onprogress: () => abort.abort('enough') };
        const call = peer.call(tool, args, options);
        await rejected(call);
        const first = seen.slice(start).find(message => message.method === 'notifications/progress');
        const token = first.params.progressToken;
        const ticks = () =>
            seen.filter(message => message.method === 'notifications/progress' && message.params.progressToken === token).length;
        // Whatever is answered after the cancellation comes after the last progress.
        await text(words.slow(1));
        const before = ticks();
        await text(words.slow(5));
        check(ticks() === before, 'the server went on after the cancellation');
        // Over HTTP the answer's stream has to end, and in the legacy era it does with an error of this code.
        const isEnd = message => peer.transport.pid === undefined && message.error?.code === -32800;
        const answers = seen.filter(message => message.id === token && !message.method && !isEnd(message));
        check(answers.length === 0, 'the server answered a cancelled call');
    });
    await step('error', async () => {
        const failed = await peer.call(...words.fail);
        check(failed.isError === true, 'the result of a tool that fails has isError');
        const unknown = await rejected(peer.raw('no/such/method'));
        check(unknown.code === -32601, `code ${unknown.code}: ${unknown}`);
        const missing = await rejected(peer.readResource('demo://no-such-thing'));
        check(missing.code === -32002 || missing.code === -32602, `code ${missing.code}: ${missing}`);
    });
    await step('large', async () => {
        const large = words.echo('x'.repeat(1 << 20));
        check((await text(large)) === large[2], 'another text came back');
        if (words.big) check((await text(words.big)).length === 2 << 20, 'another length');
    });
    await step('resource', async () => {
        const uris = (await peer.listResources()).resources.map(resource => resource.uri);
        check(uris.includes(words.resource.listed), `resources: ${uris}`);
        const read = await peer.readResource(words.resource.read);
        check(read.contents[0].text.length > 0, 'no text');
        const { resourceTemplates } = await peer.listResourceTemplates();
        check(resourceTemplates.length === words.resource.templates, JSON.stringify(resourceTemplates));
    });
    await step('prompt', async () => {
        const { name, completed: asked, argument, values } = words.prompt;
        check((await peer.listPrompts()).prompts.some(prompt => prompt.name === name), 'the prompt is listed');
        const prompt = await peer.getPrompt(name, { city: 'Lima' });
        check(prompt.messages[0].content.text.includes('Lima'), JSON.stringify(prompt));
        const completed = await peer.complete({ ref: { type: 'ref/prompt', name: asked }, argument });
        check(String(completed.completion.values) === values, JSON.stringify(completed));
    });
    await step('input', async () => {
        check((await text(words.ask)).includes(words.ask[2]), 'another greeting');
        check(peer.asked() === 1, `asked ${peer.asked()} times`);
    });
    await step('listen', async () => {
        const { changed, end } = await peer.nextChange();
        await text(words.touch);
        await changed;
        await end();
        const uris = (await peer.listResources()).resources.map(resource => resource.uri);
        check(uris.includes(words.touched), `resources: ${uris}`);
    });
    await step('close', async () => {
        // Over HTTP there is none, and the driver looks after the server.
        const { pid } = peer.transport;
        check(pid !== null, 'there is a process');
        await peer.close();
        check(pid === undefined || isGone(pid), 'the server is still there');
    });
}
