// What both TypeScript clients share: one JSON line per step, and the steps themselves over a small adapter.
//
// A step prints {"step", "ok", "note"}. A step that a client cannot do is not printed; the driver knows which those are.

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
    const text = async (name, args, options) => textOf(await peer.call(name, args, options));

    await step('list', async () => {
        const names = (await peer.listTools()).tools.map(tool => tool.name);
        check(names.includes('echo') && names.includes('slow'), `tools: ${names}`);
    });
    await step('call', async () => {
        check((await text('echo', { text: 'hé\n\u2028llo' })) === 'hé\n\u2028llo', 'another text came back');
        check((await text('add', { a: 2, b: 40 })) === '42', 'another sum');
    });
    await step('progress', async () => {
        const told = [];
        const start = seen.length;
        await text('slow', { steps: 3, delay_ms: 20 }, { onprogress: progress => told.push(progress.progress) });
        // These SDKs drop a progress that they read together with the result, so all is checked only as it arrived.
        check(String(told) === String([1, 2, 3].slice(0, told.length)), `told: ${told}`);
        const arrived = seen.slice(start).map(message => message.params?.progress ?? 'result');
        check(String(arrived) === '1,2,3,result', `arrived: ${arrived}`);
    });
    await step('cancel', async () => {
        const abort = new AbortController();
        const start = seen.length;
        const call = peer.call(
            'slow',
            { steps: 1000, delay_ms: 20 },
            { signal: abort.signal, onprogress: () => abort.abort('enough') }
        );
        await rejected(call);
        const first = seen.slice(start).find(message => message.method === 'notifications/progress');
        const token = first.params.progressToken;
        const ticks = () =>
            seen.filter(message => message.method === 'notifications/progress' && message.params.progressToken === token).length;
        // Whatever is answered after the cancellation comes after the last progress.
        await text('slow', { steps: 1, delay_ms: 20 });
        const before = ticks();
        await text('slow', { steps: 5, delay_ms: 20 });
        check(ticks() === before, 'the server went on after the cancellation');
        // Over HTTP the answer's stream has to end, and in the legacy era it does with an error of this code.
        const isEnd = message => peer.transport.pid === undefined && message.error?.code === -32800;
        const answers = seen.filter(message => message.id === token && !message.method && !isEnd(message));
        check(answers.length === 0, 'the server answered a cancelled call');
    });
    await step('error', async () => {
        const failed = await peer.call('fail', {});
        check(failed.isError === true, 'the result of `fail` has isError');
        const unknown = await rejected(peer.raw('no/such/method'));
        check(unknown.code === -32601, `code ${unknown.code}: ${unknown}`);
        const missing = await rejected(peer.readResource('demo://no-such-thing'));
        check(missing.code === -32002 || missing.code === -32602, `code ${missing.code}: ${missing}`);
    });
    await step('large', async () => {
        const large = 'x'.repeat(1 << 20);
        check((await text('echo', { text: large })) === large, 'another text came back');
        check((await text('big', { bytes: 2 << 20 })).length === 2 << 20, 'another length');
    });
    await step('resource', async () => {
        const uris = (await peer.listResources()).resources.map(resource => resource.uri);
        check(uris.includes('demo://readme'), `resources: ${uris}`);
        const read = await peer.readResource('demo://readme');
        check(read.contents[0].text.length > 0, 'no text');
        check((await peer.listResourceTemplates()).resourceTemplates.length === 1, 'one template');
    });
    await step('prompt', async () => {
        check((await peer.listPrompts()).prompts[0].name === 'greet', 'the prompt is listed');
        const prompt = await peer.getPrompt('greet', { city: 'Lima' });
        check(prompt.messages[0].content.text.includes('Lima'), JSON.stringify(prompt));
        const completed = await peer.complete({ ref: { type: 'ref/prompt', name: 'greet' }, argument: { name: 'city', value: 'Li' } });
        check(String(completed.completion.values) === 'Lima,Lisbon', JSON.stringify(completed));
    });
    await step('input', async () => {
        check((await text('ask', {})) === 'Hello, Ada!', 'another greeting');
        check(peer.asked() === 1, `asked ${peer.asked()} times`);
    });
    await step('listen', async () => {
        const { changed, end } = await peer.nextChange();
        await text('touch', {});
        await changed;
        await end();
        const uris = (await peer.listResources()).resources.map(resource => resource.uri);
        check(uris.includes('demo://note/1'), `resources: ${uris}`);
    });
    await step('close', async () => {
        // Over HTTP there is none, and the driver looks after the server.
        const { pid } = peer.transport;
        check(pid !== null, 'there is a process');
        await peer.close();
        check(pid === undefined || isGone(pid), 'the server is still there');
    });
}
