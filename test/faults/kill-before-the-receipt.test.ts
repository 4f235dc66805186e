/** `kill -9` of the server between the swap of a push and its receipt, then a new start that has nothing but the store. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openFileStore } from '../../src/object-store/file/open-file-store.ts';
import { GitClient } from '../helpers/git-client.ts';
import { eventually, query } from '../helpers/identity.ts';
import { type KillAt, spawnKillingServer } from '../helpers/killing-server.ts';
import { OWNER, repositoryUrl, startServer } from '../helpers/server.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const NAME = 'killed';
const PATIENCE_MS = 20_000;
const RECEIPTS = { kinds: [30_618], '#a': [`30617:${OWNER}:${NAME}`] };

/** The first push makes the repository known to the log; the second one is cut off. */
const STEPS: readonly KillAt[] = [
  { ending: '/pointer', ordinal: 2, moment: 'after' },
  { ending: 'log', ordinal: 2, moment: 'before' },
  { ending: 'log', ordinal: 2, moment: 'during' },
  { ending: 'log', ordinal: 2, moment: 'after' },
];

it.each(STEPS)('the receipt of a push is written after a server was killed $moment $ending', async (at) => {
  await using folder = await tempDir('cairn-killed');
  const data = join(folder.path, 'data');
  const author = await new GitClient(folder.path).init('author');
  const first = await author.commit('Begin', { README: 'first\n' });
  let second: string;
  {
    await using server = await spawnKillingServer({ data, cache: join(folder.path, 'cache') }, at);
    const url = repositoryUrl(server, NAME);
    await author.run(['push', '--quiet', url, 'main']);
    const receipts = await eventually(
      () => query(server.url, RECEIPTS),
      (events) => events.length === 1,
    );
    expect(receipts[0]?.tags).toContainEqual(['refs/heads/main', first]);
    second = await author.commit('Go on', { README: 'second\n' });
    await author.try(['push', '--quiet', url, 'main']);
    expect(await server.died(PATIENCE_MS)).toBe('killed itself');
  }

  const { store, close } = await openFileStore(data, { onOwned: 'refuse' });
  const server = await startServer({ store });
  try {
    const refs = await author.run(['ls-remote', repositoryUrl(server, NAME), 'refs/heads/main']);
    expect(refs).toContain(second);
    const receipts = await eventually(
      () => query(server.url, RECEIPTS),
      ([receipt]) => receipt?.tags.some(([, oid]) => oid === second) === true,
    );
    expect(receipts).toHaveLength(1);
    expect(receipts[0]?.tags).toContainEqual(['refs/heads/main', second]);
  } finally {
    await server.close();
    await close();
  }
});
