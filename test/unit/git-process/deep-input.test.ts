import { once } from 'node:events';
import { connect, Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { GitCommand } from '../../../src/git-process/commands.ts';
import { openDeepInput } from '../../../src/git-process/deep-input.ts';
import { Git } from '../../../src/git-process/git.ts';
import { sha256 } from '../../../src/lib/digest.ts';
import { readAll, writeChunk } from '../../../src/lib/streams.ts';
import { gitScript } from '../../helpers/git-script.ts';
import { type TempDir, tempDir } from '../../helpers/temp-dir.ts';

const command: GitCommand = { name: 'anything', args: [] };
let folder: TempDir;

beforeEach(async () => {
  folder = await tempDir();
});

afterEach(async () => {
  vi.restoreAllMocks();
  await folder[Symbol.asyncDispose]();
});

async function scripted(script: string): Promise<Git> {
  return new Git({ binary: await gitScript(join(folder.path, 'git'), script), home: folder.path });
}

/** Has others connect before the connection that is wanted is made. */
function callFirst(times: number): Socket[] {
  const callers: Socket[] = [];
  const { listen } = Server.prototype;
  vi.spyOn(Server.prototype, 'listen').mockImplementation(function (this: Server, ...args: unknown[]) {
    this.prependOnceListener('listening', () => {
      const { port } = this.address() as { readonly port: number };
      for (let n = 0; n < times; n++) {
        callers.push(connect({ host: '127.0.0.1', port }).on('error', () => undefined));
      }
    });
    return Reflect.apply(listen, this, args) as Server;
  });
  return callers;
}

describe('an input that holds megabytes', () => {
  it('is read by the process, whole and in order', async () => {
    const git = await scripted('cat');
    const running = await git.startFed(command);
    expect(running.stdin).toHaveProperty('remoteAddress', '127.0.0.1');
    running.stderr.resume();
    const read = readAll(running.stdout, 64 * 1024 * 1024);
    const pieces = Array.from({ length: 300 }, (_, n) => Buffer.alloc(1 + ((n * 7_919) % 65_536), n));
    for (const piece of pieces) expect(await writeChunk(running.stdin, piece)).toBe(true);
    running.stdin.end();
    expect(sha256(await read)).toBe(sha256(Buffer.concat(pieces)));
    expect(await running.ended).toMatchObject({ exitCode: 0 });
    expect(running.stdin.destroyed).toBe(true);
  });

  it('takes no more when the process has ended', async () => {
    const git = await scripted('head -c 1000 >/dev/null; echo enough >&2; exit 3');
    const running = await git.startFed(command);
    running.stdout.resume();
    let taken = true;
    // As much as no system holds.
    for (let n = 0; taken && n < 1_000; n++)
      taken = await writeChunk(running.stdin, Buffer.alloc(1024 * 1024));
    expect(taken).toBe(false);
    expect(await running.ended).toMatchObject({ exitCode: 3, stderr: 'enough\n' });
  });

  it('is closed if the process cannot be started', async () => {
    const sockets = () => process.getActiveResourcesInfo().filter((name) => name.startsWith('TCP')).length;
    const before = sockets();
    const git = new Git({ binary: join(folder.path, 'no-git'), home: folder.path });
    await expect(git.startFed(command)).rejects.toMatchObject({ kind: 'unavailable' });
    const signal = AbortSignal.abort(new Error('nobody waits'));
    await expect((await scripted('cat')).startFed(command, { signal })).rejects.toThrow('nobody waits');
    await expect.poll(sockets).toBe(before);
  });

  it('is nobody else’s: others who connect are sent away', async () => {
    const callers = callFirst(5);
    const input = await openDeepInput();
    expect(callers).toHaveLength(5);
    if (input === undefined) throw new Error('there is no input');
    const gone = Promise.all(callers.map((caller) => caller.resume() && once(caller, 'close')));
    input.near.write('from here');
    input.far.resume();
    const [bytes] = (await once(input.far, 'data')) as [Buffer];
    expect(bytes.toString()).toBe('from here');
    await gone;
    input.near.destroy();
    input.far.destroy();
  });

  it('is a pipe where too many others connect, or nobody may', async () => {
    const callers = callFirst(40);
    expect(await openDeepInput()).toBeUndefined();
    for (const caller of callers) caller.destroy();
    vi.restoreAllMocks();
    vi.spyOn(Server.prototype, 'listen').mockImplementation(function (this: Server) {
      setImmediate(() => this.emit('error', new Error('not here')));
      return this;
    });
    expect(await openDeepInput()).toBeUndefined();
    const running = await (await scripted('wc -c')).startFed(command);
    running.stderr.resume();
    running.stdin.end('12345');
    expect((await readAll(running.stdout, 100)).toString().trim()).toBe('5');
    await running.ended;
  });
});
