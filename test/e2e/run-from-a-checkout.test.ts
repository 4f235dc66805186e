import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { run } from '../helpers/git-client.ts';
import { OWNER, spawnServer } from '../helpers/server.ts';
import { tempDir } from '../helpers/temp-dir.ts';

/** npm and the server it runs, in a process group of their own, as a terminal would have them. */
async function startWithNpm(folder: string) {
  const flags = ['--port', '0', '--store', `file:${join(folder, 'data')}`, '--cache', join(folder, 'cache')];
  const npm = spawn('npm', ['run', '--silent', 'cairn', '--', 'serve', '--access', 'open', ...flags], {
    detached: true,
  });
  let [printed, log] = ['', ''];
  npm.stderr.on('data', (text: Buffer) => {
    log += text.toString();
  });
  const ended = new Promise<number | null>((resolve) => npm.once('close', resolve));
  const url = await new Promise<string>((resolve, reject) => {
    npm.stdout.on('data', (text: Buffer) => {
      printed += text.toString();
      const [, found] = /^listening on (\S+)$/m.exec(printed) ?? [];
      if (found !== undefined) resolve(found);
    });
    npm.once('close', () => reject(new Error(`npm ended:\n${log}`)));
  });
  return { url, pid: npm.pid ?? 0, ended, log: () => log };
}

it('npm run cairn runs any command, and passes its flags on', async () => {
  const help = await run('npm', ['run', '--silent', 'cairn', '--', 'repo', 'log', '--help']);
  expect(help.stdout).toContain('--limit <count>');
});

it('the server ends when npm is told to end', async () => {
  await using folder = await tempDir();
  const server = await startWithNpm(folder.path);
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  process.kill(server.pid, 'SIGTERM');
  await server.ended;
  await expect(fetch(`${server.url}/healthz`)).rejects.toThrow();
});

it('Ctrl-C, which reaches npm and the server, lets running requests finish', async () => {
  await using folder = await tempDir();
  const server = await startWithNpm(folder.path);
  process.kill(-server.pid, 'SIGINT');
  await server.ended;
  expect(server.log()).toContain('stopping: running requests may finish');
});

it('a second signal ends the server at once', async () => {
  await using folder = await tempDir();
  // Without npm, which passes signals on whenever it gets to it.
  await using server = await spawnServer([
    ...['--store', `file:${join(folder.path, 'data')}`],
    ...['--cache', join(folder.path, 'cache')],
  ]);
  // A connection that has sent half a request keeps the server from ending by itself.
  const { hostname, port } = new URL(server.url);
  await using client = await openHalfRequest(hostname, Number(port));
  // What comes within a second of the first is the same wish, as a signal from a terminal that npm passes on as well.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.kill(server.pid, signal);
  await expect.poll(server.log).toContain('stopping: running requests may finish');
  await sleep(1_500);
  expect(client.closed()).toBe(false);
  expect(await server.stop('SIGTERM')).toBe(130);
  await expect.poll(client.closed).toBe(true);
});

async function openHalfRequest(host: string, port: number) {
  const socket = connect(port, host);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  const head = [
    `POST /git/${OWNER}/half/git-receive-pack HTTP/1.1`,
    'Host: localhost',
    'Content-Type: application/x-git-receive-pack-request',
    'Content-Length: 1000',
    'Expect: 100-continue',
  ];
  const asked = once(socket, 'data');
  socket.write(`${head.join('\r\n')}\r\n\r\n`);
  // The server has taken the request up when it asks for the rest of it.
  expect(String((await asked)[0])).toMatch(/^HTTP\/1\.1 100 /);
  socket.resume();
  socket.write('00a0');
  return { closed: () => socket.destroyed, [Symbol.asyncDispose]: async () => void socket.destroy() };
}
