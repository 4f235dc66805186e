/** What a server that is being stopped does not wait for. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import type { GetOptions, GetResult } from '../../src/object-store/object-store.ts';
import { GitClient } from '../helpers/git-client.ts';
import { importCommits } from '../helpers/import-commits.ts';
import { repositoryUrl, startServer } from '../helpers/server.ts';
import { tempDir } from '../helpers/temp-dir.ts';

/** A store from which packs do not come, if so told, before the request is broken off or `late` is aborted. */
class HoldingStore extends MemoryObjectStore {
  holds = false;
  readonly late = new AbortController();
  private ask: () => void = () => undefined;
  readonly asked = new Promise<void>((resolve) => {
    this.ask = resolve;
  });

  override async get(key: string, options?: GetOptions): Promise<GetResult> {
    if (this.holds && key.endsWith('.pack')) {
      this.ask();
      const over = AbortSignal.any([this.late.signal, ...(options?.signal ? [options.signal] : [])]);
      if (!over.aborted) await once(over, 'abort');
      options?.signal?.throwIfAborted();
    }
    return super.get(key, options);
  }
}

it('a server stops during a large download for a fold', async () => {
  await using folder = await tempDir('cairn-stop-cold');
  const store = new HoldingStore();
  const author = await new GitClient(folder.path).init('author');
  {
    await using app = await startServer({ store, overrides: { background: false } });
    const messages = Array.from({ length: 400 }, (_, n) => `Commit ${n}`);
    await importCommits(author, messages, (n) => ({ counter: `${n}\n` }));
    await author.run(['push', '--quiet', repositoryUrl(app, 'cold'), 'main']);
  }
  await using app = await startServer({ store });
  store.holds = true;
  try {
    // It needs no pack itself, and leaves what is due to be folded.
    await author.run(['push', '--quiet', repositoryUrl(app, 'cold'), 'main:other']);
    await store.asked;
    const closed = app.close().then(() => 'closed');
    expect(await Promise.race([closed, sleep(30_000, 'still downloading', { ref: false })])).toBe('closed');
  } finally {
    store.late.abort();
  }
});

it.each([
  ['a clone', []],
  ['a shallow clone', ['--depth=1']],
] as const)('a server waits no longer for %s than for any request', async (_what, options) => {
  await using folder = await tempDir('cairn-stop-clone');
  const store = new HoldingStore();
  const author = await new GitClient(folder.path).init('author');
  await author.commit('One', { a: '1\n' });
  {
    await using app = await startServer({ store, overrides: { background: false } });
    await author.run(['push', '--quiet', repositoryUrl(app, 'cold'), 'main']);
  }
  await using app = await startServer({ store, flags: { 'shutdown-grace': '1' } });
  store.holds = true;
  const copying = new GitClient(folder.path).try([
    'clone',
    '--quiet',
    ...options,
    repositoryUrl(app, 'cold'),
    'copy',
  ]);
  try {
    await store.asked;
    const closed = app.close().then(() => 'closed');
    expect(await Promise.race([closed, sleep(30_000, 'still downloading', { ref: false })])).toBe('closed');
    expect((await copying).exitCode).toBe(128);
  } finally {
    store.late.abort();
  }
});
