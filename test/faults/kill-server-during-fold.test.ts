/** `kill -9` of the server at each step of a fold, then a new start that has nothing but the store. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openFileStore } from '../../src/object-store/file/open-file-store.ts';
import { repositoryId } from '../../src/repository/repository-id.ts';
import { kindsOf, stateOn } from '../helpers/folded.ts';
import { GitClient } from '../helpers/git-client.ts';
import { importCommits } from '../helpers/import-commits.ts';
import { type KillAt, spawnKillingServer } from '../helpers/killing-server.ts';
import { OWNER, repositoryUrl, startServer } from '../helpers/server.ts';
import { ShiftedClock } from '../helpers/shifted-clock.ts';
import { tempDir } from '../helpers/temp-dir.ts';

/** The push has written one pointer before. */
const STEPS: readonly KillAt[] = [
  { ending: '/fold', ordinal: 1, moment: 'after' },
  { ending: '.bitmap', ordinal: 1, moment: 'after' },
  { ending: '/pointer', ordinal: 2, moment: 'before' },
  { ending: '/pointer', ordinal: 2, moment: 'during' },
  { ending: '/pointer', ordinal: 2, moment: 'after' },
];
const PATIENCE_MS = 30_000;

describe('a server killed during a fold', () => {
  it.each(STEPS)('$moment it writes *$ending ($ordinal) leaves a whole repository', async (step) => {
    await using folder = await tempDir('cairn-killed-fold');
    const [data, cache] = [join(folder.path, 'data'), join(folder.path, 'cache')];
    const user = new GitClient(folder.path);
    const author = await user.init('author');
    // So much that it is folded at once.
    const messages = Array.from({ length: 400 }, (_, n) => `Commit ${n}`);
    await importCommits(author, messages, (n) => ({ counter: `${n}\n` }));
    const tip = await author.oidOf('main');
    {
      await using server = await spawnKillingServer({ data, cache }, step);
      // It may be gone before it can answer.
      await author.try(['push', '--quiet', repositoryUrl(server, 'killed'), 'main']);
      expect(await server.died(PATIENCE_MS)).toBe('killed itself');
    }
    const { store, close } = await openFileStore(data, { onOwned: 'refuse' });
    const clock = new ShiftedClock();
    const server = await startServer({ store, flags: { cache }, overrides: { background: false, clock } });
    try {
      const scratch = await readdir(join(cache, 'scratch'));
      expect(scratch.filter((name) => name.startsWith('fold'))).toEqual([]);
      const id = repositoryId(OWNER, 'killed');
      const kinds = kindsOf((await stateOn(server, id)).manifest);
      if (step.moment !== 'during') {
        const published = step.ending === '/pointer' && step.moment === 'after';
        expect(kinds).toEqual([published ? 'fold' : 'push']);
      }
      const copy = await user.clone(repositoryUrl(server, 'killed'), 'copy', '--mirror');
      expect(await copy.run(['fsck', '--full', '--strict'])).toBe('');
      expect(await copy.oidOf('main')).toBe(tip);
      // Whoever is gone holds nobody up for more than two minutes.
      clock.advanceDays(121 / 86_400);
      expect((await server.fold(id)).outcome).toBe(kinds[0] === 'fold' ? 'nothing to do' : 'folded');
    } finally {
      await server.close();
      await close();
    }
  });
});
