import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CurveBook } from '../curves.ts';
import { longestDelay } from '../event-loop.ts';
import { git, resolve } from '../git-client.ts';
import { commit, packOf } from '../git-objects.ts';
import { withRefs } from '../packed-refs.ts';
import { settled } from '../process-figures.ts';
import { rawClone, rawLsRemote } from '../raw-client.ts';
import { emptyPack, rawPush, zeroId } from '../raw-push.ts';
import type { OwnHosts, Stage } from '../stage.ts';
import { checkpoints, noteInTurns, progress } from './in-turns.ts';
import type { Measure, RowGroup } from './row.ts';

const BRANCH = 'refs/heads/main';
const REFS = 100_000;
/** Refs that have a prefix of their own. */
const GROUP = 100;
const ONE_PREFIX = 'refs/heads/many/0/';
/** Refs in one push. */
const BATCH = 5_000;
/** Refs in one push at most, unless a server is told otherwise. */
const BULK = 50_000;

/**
 * *small* with more and more branches, made by pushes on Cairn and written to packed-refs on the reference, and what
 * listing, pushing and cloning cost then.
 */
export function manyRefs(): RowGroup {
  return {
    rows: [
      { name: 'many-refs-push/file', unit: 'ms', value: 'push', goal: 0.5 },
      { name: 'many-refs-push-git/file', unit: 'ms', value: 'pushGit' },
      { name: 'many-refs-ls-remote/file', unit: 'ms', value: 'lsRemote' },
      { name: 'many-refs-ls-prefix/file', unit: 'ms', value: 'lsPrefix' },
      { name: 'many-refs-clone/file', unit: 'ms', value: 'clone' },
      { name: 'many-refs-loop-delay/file', unit: 'ms', value: 'delay', alone: true, worst: true, goal: 50 },
      {
        name: 'many-refs-bulk-loop-delay/file',
        unit: 'ms',
        value: 'bulk',
        alone: true,
        worst: true,
        goal: 50,
      },
    ],
    runs: 5,
    warmUps: 1,
    async prepare(stage) {
      const hosts = await stage.freshHosts('file', 'cgid');
      const close = async () => {
        await Promise.all([hosts.cairn.stop(), hosts.reference.stop()]);
      };
      try {
        const repository = await ManyRefs.begin(hosts, stage);
        const curves = await grow(repository);
        await settled(hosts.cairn.pid);
        const measure =
          (side: Side): Measure =>
          async () => {
            if (side === 'cairn') await longestDelay(hosts.cairn.url);
            const url = repository.urls[side];
            const values = {
              push: await repository.push(side),
              pushGit: await repository.pushWithGit(side),
              lsRemote: (await rawLsRemote(url)).seconds,
              lsPrefix: (await rawLsRemote(url, ONE_PREFIX)).seconds,
              clone: (await rawClone(url)).seconds,
            };
            if (side === 'reference') return values;
            const delay = await longestDelay(hosts.cairn.url);
            await repository.pushInBulk();
            await settled(hosts.cairn.pid);
            return { ...values, delay, bulk: await longestDelay(hosts.cairn.url) };
          };
        return { cairn: measure('cairn'), reference: measure('reference'), curves, close };
      } catch (error) {
        await close();
        throw error;
      }
    },
  };
}

type Side = 'cairn' | 'reference';

async function grow(repository: ManyRefs) {
  const book = new CurveBook('refs');
  for (const at of checkpoints(REFS)) {
    await repository.growTo(at);
    const { urls } = repository;
    const asked = async (
      operation: 'push' | 'ls-remote' | 'clone',
      times: number,
      ask: (side: Side) => Promise<number>,
    ) =>
      noteInTurns(book, at, {
        operation,
        times,
        cairn: () => ask('cairn'),
        reference: () => ask('reference'),
      });
    await asked('push', 5, (side) => repository.push(side));
    await asked('ls-remote', 5, async (side) => (await rawLsRemote(urls[side])).seconds);
    await asked('clone', 3, async (side) => {
      // Of a state that nobody has cloned yet: an answer given before would be given again.
      await repository.push(side);
      return (await rawClone(urls[side])).seconds;
    });
    progress(`${at} refs`);
  }
  return book.curves;
}

/** The repository on both servers. Pushes go to `main`, each of one commit with the tree of the one before. */
class ManyRefs {
  readonly #hosts: OwnHosts;
  readonly urls: Record<Side, string>;
  /** Where the refs point: the commits of *small*, in turns. */
  readonly #targets: readonly string[];
  readonly #tree: string;
  readonly #tip: Record<Side, string>;
  readonly #client: string;
  readonly #pushes = { cairn: 0, reference: 0 };
  #made = 0;

  private constructor(
    hosts: OwnHosts,
    urls: Record<Side, string>,
    history: { targets: readonly string[]; tree: string; tip: string; client: string },
  ) {
    this.#hosts = hosts;
    this.urls = urls;
    this.#targets = history.targets;
    this.#tree = history.tree;
    this.#tip = { cairn: history.tip, reference: history.tip };
    this.#client = history.client;
  }

  static async begin(hosts: OwnHosts, stage: Stage): Promise<ManyRefs> {
    const { path } = await stage.dataset('small');
    const urls = {
      cairn: await hosts.cairn.add('refs', { path }),
      reference: await hosts.reference.add('refs', { path }),
    };
    const client = stage.scratch('pusher');
    await git(['clone', '--quiet', '--bare', path, client]);
    const targets = (await git(['-C', path, 'rev-list', 'main'])).stdout.trim().split('\n');
    const [tip, tree] = [await resolve(path, 'main'), await resolve(path, 'main^{tree}')];
    return new ManyRefs(hosts, urls, { targets, tree, tip, client });
  }

  async growTo(refs: number): Promise<void> {
    const all = Array.from({ length: refs - this.#made }, (_, at) => {
      const number = this.#made + at;
      return {
        name: `refs/heads/many/${Math.floor(number / GROUP)}/branch-${number}`,
        oid: this.#targets[number % this.#targets.length] ?? '',
      };
    });
    for (let from = 0; from < all.length; from += BATCH) {
      const changes = all
        .slice(from, from + BATCH)
        .map(({ name, oid }) => ({ name, from: undefined, to: oid }));
      await rawPush(this.urls.cairn, changes, emptyPack);
    }
    await this.#hosts.reference.change('refs', async (path) => {
      const file = join(path, 'packed-refs');
      await writeFile(file, withRefs(await readFile(file, 'utf8'), all));
    });
    this.#made = refs;
  }

  /** A push of one commit onto main by the client that discards. Both sides get the same commits in the same order. */
  async push(side: Side): Promise<number> {
    const from = this.#tip[side];
    const made = commit({ tree: this.#tree, parent: from, at: 1_700_000_000, message: this.#message(side) });
    this.#tip[side] = made.oid;
    return rawPush(this.urls[side], [{ name: BRANCH, from, to: made.oid }], packOf([made]));
  }

  /** The same by `git push`. */
  async pushWithGit(side: Side): Promise<number> {
    const at = ['-C', this.#client];
    // What the other client has pushed has to be here, too.
    await git([...at, 'fetch', '--quiet', '--no-tags', this.urls[side], `+${BRANCH}:refs/bench/tip`]);
    const message = this.#message(side);
    const made = await git([...at, 'commit-tree', '-p', 'refs/bench/tip', '-m', message, this.#tree]);
    const to = made.stdout.trim();
    const { seconds } = await git([...at, 'push', '--quiet', this.urls[side], `${to}:${BRANCH}`]);
    this.#tip[side] = to;
    return seconds;
  }

  /** Makes as many branches as one push may name on Cairn, in one push, and deletes them in another. */
  async pushInBulk(): Promise<void> {
    const to = this.#targets[0] ?? '';
    const made = Array.from({ length: BULK }, (_, at) => ({
      name: `refs/heads/bulk/${Math.floor(at / GROUP)}/branch-${at}`,
      from: undefined,
      to,
    }));
    await rawPush(this.urls.cairn, made, emptyPack);
    const deleted = made.map(({ name }) => ({ name, from: to, to: zeroId }));
    await rawPush(this.urls.cairn, deleted, Buffer.alloc(0));
  }

  #message(side: Side): string {
    this.#pushes[side]++;
    return `Push ${this.#pushes[side]}`;
  }
}
