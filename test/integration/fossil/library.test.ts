/** Programs that use `cairn/fossil` of the packed package, compiled with its types, as somebody else would. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { FossilClient, noFossil } from '../../helpers/fossil.ts';
import { packedProgram } from '../../helpers/packed-package.ts';
import { serveStock } from '../../helpers/stock-fossil-server.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

const PROGRAM = `
import {
  clone, type CloneResult, InProcessTransport, MemoryBag, MemoryCloneTarget, openHttpTransport, StalledError, sync, SyncFailure,
  type SyncObserver, type SyncResult, withFossilRepositories,
} from 'cairn/fossil';

const [url = '', store = ''] = process.argv.slice(2);
const name = \`\${'a'.repeat(64)}/tool\`;
await using server = openHttpTransport({ url });
let rounds = 0;
const observer: Partial<SyncObserver> = { roundCompleted: () => { rounds += 1; } };

const target = new MemoryCloneTarget();
const inMemory: CloneResult = await clone(target, server.transport, { observer });
const found = await withFossilRepositories({ store: \`file:\${store}\`, environment: {} }, async (repositories) => {
  const cloned = await clone(repositories.cloneTarget(name), server.transport, { unversioned: true });
  const again: SyncResult = await sync(await repositories.bag(name), server.transport, { push: false });
  return { cloned: cloned.filesReceived, again: again.filesReceived, code: cloned.projectCode === inMemory.projectCode };
});
const silent = new InProcessTransport(async ({ type }) => ({ type, body: Buffer.alloc(0) }));
const failure = await clone(new MemoryCloneTarget(), silent).catch((error: unknown) => error);
const stalled = failure instanceof SyncFailure && failure.cause instanceof StalledError;
const empty = await sync(new MemoryBag('0'.repeat(40)), silent);

console.log(JSON.stringify({ ...found, count: target.bag?.count, observed: rounds === inMemory.rounds, stalled, empty: empty.rounds }));
`;

/** The example of a server in the documentation. */
async function exampleServer(): Promise<string> {
  const page = await readFile(new URL('../../../docs/reference/fossil-library.md', import.meta.url), 'utf8');
  const [, example = ''] = /## Serving a project.*?```ts\n(.*?)```/s.exec(page) ?? [];
  return example;
}

it('programs compile with the types of the packed tarball: one clones and pulls, one serves the clone', async ({
  skip,
}) => {
  skip(noFossil !== undefined, noFossil);
  await using folder = await tempDir('cairn-fossil-library');
  const user = new FossilClient(folder.path);
  const repository = await user.init('project');
  await user.commit('project', 'one', { file: 'content' });
  await using server = await serveStock(user, repository);
  const programs = join(folder.path, 'program');
  const program = await packedProgram(programs, PROGRAM, { 'serve.ts': await exampleServer() });

  const printed = await program([server.url, join(folder.path, 'store')]);

  const count = (await user.artifacts(repository)).length;
  expect(JSON.parse(printed)).toEqual({
    cloned: count,
    again: 0,
    code: true,
    count,
    observed: true,
    stalled: true,
    empty: 1,
  });

  const environment = {
    STORE: `file:${join(folder.path, 'store')}`,
    PROJECT: `${'a'.repeat(64)}/tool`,
    PASSWORD: 'sesame',
    PORT: '0',
  };
  const serving = spawn(process.execPath, ['serve.js'], {
    cwd: programs,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [line] = (await once(serving.stdout, 'data')) as [Buffer];
    const port = /port: (\d+)/.exec(line.toString())?.[1];
    const copy = join(folder.path, 'copy.fossil');
    await user.run(['clone', '--save-http-password', '-u', `http://alice:sesame@127.0.0.1:${port}/`, copy]);
    expect(await user.artifacts(copy)).toEqual(await user.artifacts(repository));
    await user.open(copy, 'copy');
    await user.commit('copy', 'two', { other: 'content' });
    expect(await user.run(['sync', '-v'], { cwd: 'copy' })).not.toMatch(/error|not authorized/i);
    const again = join(folder.path, 'again.fossil');
    await user.run(['clone', '-u', `http://127.0.0.1:${port}/`, again]);
    expect(await user.artifacts(again)).toEqual(await user.artifacts(copy));
  } finally {
    serving.kill('SIGTERM');
    if (serving.exitCode === null) await once(serving, 'exit');
  }
  expect(serving.exitCode).toBe(0);
});
