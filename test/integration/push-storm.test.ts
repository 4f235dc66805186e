import { afterEach, beforeEach, expect, it } from 'vitest';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import { FaultyStore } from '../helpers/faulty-store.ts';
import { commitObject, objectId, packOf, push, pushHead, reportOf, treeObject } from '../helpers/raw-git.ts';
import { repositoryUrl, startServer } from '../helpers/server.ts';

const PUSHERS = 64;
/** Far fewer than there are pushers: whoever waits for the swap must not keep one. */
const PLACES = '4';

const blob = { type: 'blob', content: Buffer.from('content\n') } as const;
const tree = treeObject('file', objectId(blob));

let store: FaultyStore;
let app: Awaited<ReturnType<typeof startServer>>;
let url: string;

beforeEach(async () => {
  store = new FaultyStore(new MemoryObjectStore());
  app = await startServer({
    store,
    flags: { 'git-concurrency': PLACES },
    overrides: { background: false },
  });
  url = repositoryUrl(app, 'storm');
});

afterEach(() => app.close());

/** Pushes a first commit of its own to a branch. @returns what the report says of it */
async function pushTo(branch: string): Promise<string | undefined> {
  const commit = commitObject(objectId(tree), [], `On ${branch}`);
  const head = pushHead([{ name: `refs/heads/${branch}`, to: objectId(commit) }]);
  return reportOf(await push(url, [head, packOf([blob, tree, commit])]))[1];
}

function written(pattern: RegExp): number {
  return store.log.filter(({ key, outcome }) => pattern.test(key) && outcome === 'written').length;
}

it('64 pushes to 64 branches during one slow swap share the next two', async () => {
  expect(await pushTo('main')).toBe('ok refs/heads/main');
  store.reset();
  store.next((call) => call.operation === 'put' && call.key.endsWith('/pointer'), {
    does: 'run',
    before: async () => {
      // Every push has its artifacts in the store; a moment later all but the one being swapped wait for the next.
      await expect
        .poll(() => [written(/\.pack$/), written(/\.idx$/)], { timeout: 120_000 })
        .toEqual([PUSHERS, PUSHERS]);
      await new Promise((resolve) => setTimeout(resolve, 500));
    },
  });
  const names = Array.from({ length: PUSHERS }, (_, number) => `branch-${number}`);
  expect(await Promise.all(names.map(pushTo))).toEqual(names.map((name) => `ok refs/heads/${name}`));
  expect(written(/\/pointer$/)).toBeLessThanOrEqual(3);
});
