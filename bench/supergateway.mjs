// supergateway as a server that a load generator starts: says on stdout where it listens, and ends with its stdin.
// Arguments: its module, then the command behind it.

import net from 'node:net';
import { pathToFileURL } from 'node:url';

const [module, command] = process.argv.slice(2);
const free = net.createServer().listen(0, '127.0.0.1');
await new Promise(resolve => free.once('listening', resolve));
const { port } = free.address();
await new Promise(resolve => free.close(resolve));

const options = ['--outputTransport', 'streamableHttp', '--stateful', '--logLevel', 'none', '--port', String(port)];
process.argv = [process.argv[0], module, '--stdio', command, ...options];
await import(pathToFileURL(module).href);

const isOpen = () =>
    new Promise(resolve => {
        const socket = net.connect(port, '127.0.0.1');
        socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
        socket.once('connect', () => socket.destroy());
    });
while (!(await isOpen())) await new Promise(resolve => setTimeout(resolve, 20));
console.log(`127.0.0.1:${port}`);
process.stdin.resume().once('end', () => process.exit(0));
