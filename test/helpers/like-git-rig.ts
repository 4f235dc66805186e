import { afterAll, beforeAll, expect, vi } from 'vitest';
import { Git } from '../../src/git-process/git.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { createRepository } from '../../src/maintenance/administer.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import { type RepositoryId, repositoryId } from '../../src/repository/repository-id.ts';
import type { App } from '../../src/server/app.ts';
import { CaseDeck } from './fetch-cases.ts';
import { type GeneratedHistory, generateHistory, type HistoryShape, refspecs } from './generated-history.ts';
import { LikeGit } from './like-git.ts';
import { SeededRandom } from './seeded-random.ts';
import { OWNER, repositoryUrl, startServer } from './server.ts';
import { tell } from './tell.ts';
import { type TempDir, tempDir } from './temp-dir.ts';

/** A history as a server holds it. */
export interface HostedHistory {
  readonly history: GeneratedHistory;
  readonly id: RepositoryId;
  readonly url: string;
}

/** One server for the tests of a file, and the totals of what it was asked. */
export interface LikeGitRig {
  readonly app: App;
  /**
   * Makes a history and pushes it, stage by stage.
   * @param foldBehind numbers of pushes, from 0, behind which the repository is folded
   */
  host(shape: HistoryShape, foldBehind?: readonly number[]): Promise<HostedHistory>;
  /**
   * Sends requests and compares every answer; fails with the first few differences.
   * @param counts cases by chance, and clones of everything
   */
  compare(hosted: HostedHistory, counts: Counts, hasBitmaps?: boolean): Promise<void>;
  /** Does the same with another server over the same store, which has nothing local when it is asked first. */
  compareCold(hosted: HostedHistory, counts: Counts): Promise<void>;
  /** Cases so far. */
  readonly cases: number;
  /** How many cases of a number of cases are tried, rounded down; see {@link SHARE}. */
  share(cases: number): number;
  /** How many fetches were answered by each way there is. */
  answers(): Promise<Record<string, number>>;
}

export interface Counts {
  readonly drawn: number;
  readonly clones: number;
}

/**
 * The part of all cases that is tried, of each history: a third. `CAIRN_TEST_FETCHES=1100` tries all 1,100 of them, and a
 * larger number goes on in the same way.
 */
const SHARE = Number(process.env['CAIRN_TEST_FETCHES'] ?? 370) / 1_100;

/** Milliseconds: hundreds of git processes take their time where others want the machine, too. */
const PATIENCE_MS = 180_000;
/** Differences shown when there are many. */
const SHOWN = 5;

/**
 * Starts a server over memory before the tests of a file, and tells behind them how many cases were compared, and by
 * what they were answered.
 */
export function likeGitRig(): LikeGitRig {
  let app: App;
  let folder: TempDir;
  let git: Git;
  const store = new MemoryObjectStore();
  let comparisons = 0;
  const totals = new Map<string, number>();
  const add = (word: string, count: number) => totals.set(word, (totals.get(word) ?? 0) + count);

  vi.setConfig({ testTimeout: PATIENCE_MS });
  const compare = async (
    { history, url }: HostedHistory,
    counts: Counts,
    hasBitmaps: boolean,
  ): Promise<void> => {
    const likeGit = new LikeGit({ history, url, git, hasBitmaps });
    const random = new SeededRandom(history.shape.seed + 1000 * ++comparisons);
    const [drawn, clones] = [Math.ceil(counts.drawn * SHARE), Math.ceil(counts.clones * SHARE)];
    const deck = new CaseDeck(history, random);
    const faults: string[] = [];
    const cases = drawn + clones;
    for (let number = 0; number < cases; number++) {
      const one = (number * clones) % cases < clones ? deck.clone() : deck.next();
      const reworded = (times: number) => Array.from({ length: times }, () => deck.reworded(one));
      const inTurn = reworded(random.fraction() < 0.25 ? 2 : 0);
      const together = reworded(random.fraction() < 0.08 ? 3 : 0);
      faults.push(...(await likeGit.judge(one, { inTurn, together })));
    }
    for (const [word, count] of Object.entries(likeGit.tally)) add(word, count);
    expect(faults.slice(0, SHOWN), `${faults.length} differences`).toEqual([]);
  };

  beforeAll(async () => {
    folder = await tempDir('cairn-like-git');
    git = new Git({ binary: 'git', home: folder.path });
    app = await startServer({ store });
  });
  afterAll(async () => {
    const answered = { ...(await fetchesOf(app)), ...(await processesOf(app)) };
    tell('compared with git', { ...Object.fromEntries(totals), ...answered });
    await app.close();
    await git.close();
    await folder[Symbol.asyncDispose]();
  });

  return {
    get app() {
      return app;
    },
    get cases() {
      return totals.get('cases') ?? 0;
    },
    share: (cases) => Math.floor(cases * SHARE),
    answers: () => fetchesOf(app),
    host: async (shape, foldBehind = []) => {
      const history = await generateHistory(folder.path, shape);
      const id = repositoryId(OWNER, `history-${shape.seed}`);
      const repository = app.repositories.get(id);
      const url = repositoryUrl(app, id.identifier);
      await createRepository(repository, {
        objectFormat: shape.format,
        head: 'refs/heads/main',
        random: systemRandom,
      });
      let before: ReadonlyMap<string, string> = new Map();
      for (const [stage, refs] of history.stages.entries()) {
        await history.repository.run(['push', '--quiet', url, ...refspecs(before, refs)]);
        before = refs;
        if (!foldBehind.includes(stage)) continue;
        expect((await app.fold(id)).outcome).toBe('folded');
        await writeSameGraph(history, refs);
      }
      const state = await repository.resolve();
      expect(new Map(state?.manifest.refs)).toEqual(new Map([...before].sort()));
      return { history, id, url };
    },
    compare: (hosted, counts, hasBitmaps = false) => compare(hosted, counts, hasBitmaps),
    compareCold: async (hosted, counts) => {
      const cold = await startServer({ store });
      try {
        await compare({ ...hosted, url: repositoryUrl(cold, hosted.id.identifier) }, counts, true);
        for (const [by, count] of Object.entries(await fetchesOf(cold))) add(`${by} by a cold server`, count);
      } finally {
        await cold.close();
      }
    },
  };
}

/**
 * Gives the reference the commit-graph that a fold has made: where a request cuts history off, git tells sooner that it
 * is ready when commits come from a commit-graph.
 */
async function writeSameGraph(
  { repository, graph }: GeneratedHistory,
  refs: ReadonlyMap<string, string>,
): Promise<void> {
  const commits = [...refs.values()]
    .map((oid) => graph.peel(oid))
    .filter((oid) => graph.objects.get(oid)?.type === 'commit');
  const input = commits.join('\n');
  await repository.run(['commit-graph', 'write', '--stdin-commits', '--no-progress'], { input });
}

async function fetchesOf(app: App): Promise<Record<string, number>> {
  const { values } = await app.metrics.fetchAnswers.get();
  return Object.fromEntries(values.map(({ labels, value }) => [String(labels['by']), value]));
}

async function processesOf(app: App): Promise<Record<string, number>> {
  const { values } = await app.metrics.gitStarted.get();
  return Object.fromEntries(values.map(({ labels, value }) => [`git ${labels['command']}`, value]));
}
