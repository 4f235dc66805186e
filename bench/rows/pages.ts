import { CairnError } from '../../src/lib/errors.ts';
import type { StoreKind } from '../cairn.ts';
import { CommitChain } from '../commit-chain.ts';
import { git } from '../git-client.ts';
import { PageClient } from '../pages/page-client.ts';
import { PAGE_KINDS, type PageKind, type PageTarget, pagesOf } from '../pages/page-urls.ts';
import { childrenEnded } from '../process-figures.ts';
import type { Stage } from '../stage.ts';
import { fileGoal, type RowGroup } from './row.ts';

/** Pages of one run. One alone takes about as long as the clock is uncertain. */
const PAGES_A_RUN = 10;
const RUNS = 7;
const WARM_UPS = 1;
/** Lies in every commit of *medium*. */
const FILE = 'part-3/group-4/file-51.txt';

/** Pages that nobody has asked for before, against cgit without a cache: of another commit each time. */
export function coldPage(store: StoreKind, kind: PageKind): RowGroup {
  return {
    rows: [{ name: `page-${kind}/${store}`, unit: 'ms', value: 'wall', ...fileGoal(store, 1.0) }],
    runs: RUNS,
    warmUps: WARM_UPS,
    async prepare(stage) {
      const pages = pagesOf(await stage.shared(await stage.hosts(store, 'cgid'), 'medium'));
      const targets = await targetsOf(stage, kind);
      const client = new PageClient();
      const some = (run: number) => targets.slice(run * PAGES_A_RUN, (run + 1) * PAGES_A_RUN);
      return {
        cairn: async (run) => ({
          wall: await client.timed(
            some(run).map((target) => `${pages.cairn}${PAGE_KINDS[kind].cairn(target)}`),
          ),
        }),
        reference: async (run) => ({
          wall: await client.timed(
            some(run).map((target) => `${pages.reference}${PAGE_KINDS[kind].cgit(target)}`),
          ),
        }),
        close: () => client[Symbol.asyncDispose](),
      };
    },
  };
}

/** The same page again and again. */
export function repeatedPage(store: StoreKind, kind: PageKind): RowGroup {
  return {
    rows: [{ name: `page-${kind}-repeated/${store}`, unit: 'ms', value: 'wall', ...fileGoal(store, 0.2) }],
    runs: RUNS,
    warmUps: WARM_UPS,
    async prepare(stage) {
      const pages = pagesOf(await stage.shared(await stage.hosts(store, 'cgid'), 'medium'));
      const [target] = await targetsOf(stage, kind);
      if (target === undefined) throw new CairnError('not-found', 'the repository has no commit');
      const client = new PageClient();
      const again = async (url: string) => ({ wall: await client.timed(Array(PAGES_A_RUN).fill(url)) });
      return {
        cairn: () => again(`${pages.cairn}${PAGE_KINDS[kind].cairn(target)}`),
        reference: () => again(`${pages.reference}${PAGE_KINDS[kind].cgit(target)}`),
        close: () => client[Symbol.asyncDispose](),
      };
    },
  };
}

/** The page of the repository itself: the first one after a push, which is not timed, and again. */
export function overviewPage(store: StoreKind): RowGroup {
  return {
    rows: [
      { name: `page-overview/${store}`, unit: 'ms', value: 'first', ...fileGoal(store, 1.0) },
      { name: `page-overview-repeated/${store}`, unit: 'ms', value: 'again', ...fileGoal(store, 0.2) },
    ],
    runs: RUNS,
    warmUps: WARM_UPS,
    async prepare(stage) {
      const hosts = await stage.hosts(store, 'cgid');
      const urls = await stage.filled(hosts, 'medium');
      const pages = pagesOf(urls);
      const commits = await CommitChain.begin(stage, 'medium');
      const client = new PageClient();
      const measure = async (run: number, pid: number, url: string, page: string) => {
        await commits.push(run, url);
        await childrenEnded(pid);
        const first = await client.timed([page]);
        return { first, again: await client.timed(Array(PAGES_A_RUN).fill(page)) };
      };
      return {
        cairn: (run) => measure(run, hosts.cairn.pid, urls.cairn, pages.cairn),
        reference: (run) => measure(run, hosts.reference.pid, urls.reference, `${pages.reference}/`),
        close: () => client[Symbol.asyncDispose](),
      };
    },
  };
}

/** Commits of *medium* that no row of another kind of page uses. */
async function targetsOf(stage: Stage, kind: PageKind): Promise<PageTarget[]> {
  const { path } = await stage.dataset('medium');
  const count = PAGES_A_RUN * (30 + WARM_UPS);
  const skip = Object.keys(PAGE_KINDS).indexOf(kind) * count;
  const { stdout } = await git(['-C', path, 'rev-list', `--max-count=${count}`, `--skip=${skip}`, 'main']);
  return stdout
    .trim()
    .split('\n')
    .map((commit) => ({ commit, file: FILE }));
}
