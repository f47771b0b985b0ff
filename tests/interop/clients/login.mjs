// Either TypeScript SDK (1 or 2) logs in at a server with a scripted browser. Arguments: the version and the server's URL.
// It calls a tool, then one that needs another scope, and prints a line of JSON.

const [version, url] = process.argv.slice(2);
const CALLBACK = 'http://127.0.0.1:9/callback';

const sdk =
    version === '1'
        ? {
              ...(await import('@modelcontextprotocol/sdk/client/index.js')),
              ...(await import('@modelcontextprotocol/sdk/client/streamableHttp.js')),
              ...(await import('@modelcontextprotocol/sdk/client/auth.js'))
          }
        : await import('@modelcontextprotocol/client');

// A person's browser, whose user agrees to everything. The URL at which it ends.
async function browse(url) {
    const cookies = new Map();
    let at = new URL(url);
    while (!at.href.startsWith(CALLBACK)) {
        const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
        const response = await fetch(at, { redirect: 'manual', headers: { cookie } });
        for (const set of response.headers.getSetCookie()) {
            const [, name, value] = /^([^=]+)=([^;]*)/.exec(set);
            cookies.set(name, value);
        }
        const location = response.headers.get('location');
        if (!location) throw new Error(`no redirect from ${at}: ${response.status} ${await response.text()}`);
        at = new URL(location, at);
    }
    return at;
}

const kept = {};
let logins = 0;
const provider = {
    redirectUrl: CALLBACK,
    clientMetadata: {
        client_name: 'a typescript client',
        redirect_uris: [CALLBACK],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        token_endpoint_auth_method: 'none'
    },
    clientInformation: () => kept.client,
    saveClientInformation: client => void (kept.client = client),
    tokens: () => kept.tokens,
    saveTokens: tokens => {
        kept.tokens = tokens;
        // The first SDK answers a missing scope with a refresh, which cannot add one.
        if (version === '1') delete kept.tokens.refresh_token;
    },
    saveCodeVerifier: verifier => void (kept.verifier = verifier),
    codeVerifier: () => kept.verifier,
    redirectToAuthorization: async url => {
        logins += 1;
        kept.answer = await browse(url);
    }
};

let client;
let transport;

async function connect() {
    client = new sdk.Client({ name: 'login', version: '1' }, { capabilities: {} });
    transport = new sdk.StreamableHTTPClientTransport(new URL(url), { authProvider: provider });
    await client.connect(transport);
}

// What needs a login is done again after it, on a new connection.
async function loggedIn(work) {
    try {
        return await work();
    } catch (error) {
        if (!kept.answer) throw error;
        const answer = kept.answer.searchParams;
        kept.answer = undefined;
        await transport.finishAuth(...(version === '1' ? [answer.get('code')] : [answer]));
        await connect();
        return work === connect ? undefined : work();
    }
}

await loggedIn(connect);
const text = async (name, args) => (await client.callTool({ name, arguments: args })).content[0].text;
const sum = await loggedIn(() => text('add', { a: 2, b: 40 }));
const first = kept.tokens.scope;
const touched = await loggedIn(() => text('touch', {}));
console.log(JSON.stringify({ sum, touched, logins, first, then: kept.tokens.scope }));
await client.close();
process.exit(0);
