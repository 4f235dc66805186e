/** A program that uses `cairn/fossil` of the packed package, compiled with its types, as somebody else would. */
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

it('a program compiles against the types of the packed tarball, and clones and pulls with it', async ({
  skip,
}) => {
  skip(noFossil !== undefined, noFossil);
  await using folder = await tempDir('cairn-fossil-library');
  const user = new FossilClient(folder.path);
  const repository = await user.init('project');
  await user.commit('project', 'one', { file: 'content' });
  await using server = await serveStock(user, repository);
  const program = await packedProgram(join(folder.path, 'program'), PROGRAM);

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
});
