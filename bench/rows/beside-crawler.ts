import type { StoreKind } from '../cairn.ts';
import { CommitChain } from '../commit-chain.ts';
import { git } from '../git-client.ts';
import { PageClient } from '../pages/page-client.ts';
import { PAGE_KINDS, pagesOf } from '../pages/page-urls.ts';
import { rawClone } from '../raw-client.ts';
import type { Stage } from '../stage.ts';
import { fileGoal, type RowGroup } from './row.ts';

/** Connections of the crawler. */
const CONNECTIONS = 8;

/** Pushes and clones while somebody reads page after page, against the same server without that. */
export function besideCrawler(store: StoreKind): RowGroup {
  return {
    rows: [
      { name: `push-beside-crawler/${store}`, unit: 'ms', value: 'push', ...fileGoal(store, 1.3) },
      { name: `clone-beside-crawler/${store}`, unit: 'ms', value: 'clone', ...fileGoal(store, 1.3) },
    ],
    runs: 7,
    warmUps: 1,
    async prepare(stage) {
      const { cairn, reference } = await stage.hosts(store, 'cgid');
      const url = await stage.filled({ cairn, reference }, 'medium').then((urls) => urls.cairn);
      const alone = await stage.filled({ cairn, reference }, 'medium').then((urls) => urls.cairn);
      const commits = await CommitChain.begin(stage, 'medium');
      const measure = async (run: number, repository: string) => {
        const push = await commits.push(run, repository);
        return { push, clone: (await rawClone(repository)).seconds };
      };
      const urls = await crawled(stage, url);
      return {
        cairn: async (run) => {
          const crawler = new Crawler(urls, run);
          const values = await measure(run, url);
          await crawler.stop();
          return values;
        },
        reference: (run) => measure(run, alone),
      };
    },
  };
}

/** Reads pages at full speed over several connections, each page once, until it is stopped. */
class Crawler {
  readonly #client = new PageClient(CONNECTIONS);
  readonly #readers: Promise<void>[];
  #stopped = false;

  constructor(urls: readonly string[], run: number) {
    let next = run * 997;
    const read = async () => {
      while (!this.#stopped) {
        const url = urls[next++ % urls.length] ?? '';
        // A crawler that is refused tries another page.
        await this.#client.read(url).catch(() => undefined);
      }
    };
    this.#readers = Array.from({ length: CONNECTIONS }, read);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#readers);
    await this.#client[Symbol.asyncDispose]();
  }
}

/** Pages of thousands of commits, all kinds in turns. */
async function crawled(stage: Stage, url: string): Promise<string[]> {
  const { path } = await stage.dataset('medium');
  const { stdout } = await git(['-C', path, 'rev-list', '--max-count=5000', 'main']);
  const base = pagesOf({ cairn: url, reference: '' }).cairn;
  const file = 'part-3/group-4/file-51.txt';
  return stdout
    .trim()
    .split('\n')
    .flatMap((commit) => Object.values(PAGE_KINDS).map((kind) => `${base}${kind.cairn({ commit, file })}`));
}
