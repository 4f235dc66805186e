import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { bootstrap, type MirrorOptions, plan, replicate, sync } from '../../src/mirror/mirror.ts';
import { type MirrorObserver, silent } from '../../src/mirror/observer.ts';
import type { MirrorResult } from '../../src/mirror/run/mirror-result.ts';
import { type GeneratedHistory, generateHistory } from '../helpers/generated-history.ts';
import { GitClient } from '../helpers/git-client.ts';
import { type GitHttpHost, startGitHttpHost } from '../helpers/git-http-host.ts';
import { type FrontRules, type LimitingFront, startLimitingFront } from '../helpers/limiting-front.ts';
import { SeededRandom } from '../helpers/seeded-random.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

/** Longer than the longest commit of the history, and much shorter than the whole. */
const LIMIT = 60_000;
const UNLIMITED: FrontRules = { limit: Number.POSITIVE_INFINITY, style: '413' };

let temp: TempDir;
let host: GitHttpHost;
let history: GeneratedHistory;
let git: GitClient;
let number = 0;

beforeAll(async () => {
  temp = await tempDir();
  git = new GitClient(temp.path);
  history = await generateHistory(temp.path, { seed: 13, commits: 60, stages: 3, calm: 2, format: 'sha1' });
  await history.repository.run(['config', 'uploadpack.allowFilter', 'true']);
  host = await startGitHttpHost(temp.path);
});
afterAll(async () => {
  await host[Symbol.asyncDispose]();
  await temp[Symbol.asyncDispose]();
});

interface Seeding {
  readonly target: GitClient;
  readonly front: LimitingFront;
  readonly options: MirrorOptions;
  /** What the runs have told. */
  readonly told: string[];
}

/** An empty target behind a front. */
async function seeding(rules: FrontRules, options: Partial<MirrorOptions> = {}): Promise<Seeding> {
  const name = `target-${++number}.git`;
  await git.init(name, '--bare');
  const front = await startLimitingFront(host.url, rules);
  onTestFinished(() => front[Symbol.asyncDispose]());
  const told: string[] = [];
  const observer: MirrorObserver = {
    ...silent,
    phase: (phase, detail) => void told.push(`${phase} ${detail ?? ''}`),
    notice: (text) => void told.push(text),
  };
  return {
    target: git.at(name),
    front,
    told,
    options: {
      source: { address: history.repository.folder },
      target: { address: `${front.url}/${name}` },
      scope: { allRefs: true },
      scratchFolder: temp.path,
      observer,
      ...options,
    },
  };
}

function refsOf(repository: GitClient): Promise<string> {
  return repository.run(['for-each-ref', '--format=%(objectname) %(refname)']);
}

async function temporaryRefs(target: GitClient): Promise<string[]> {
  const names = await target.run(['for-each-ref', '--format=%(refname)', 'refs/cairn-mirror']);
  return names.split('\n').filter((name) => name !== '');
}

/** The target is as the source is, nothing more and nothing less. */
async function expectEqual(
  result: MirrorResult,
  target: GitClient,
  source = history.repository,
): Promise<void> {
  expect(result).toMatchObject({ outcome: 'ok', problem: undefined });
  expect(await refsOf(target)).toBe(await refsOf(source));
  await target.run(['fsck', '--strict', '--no-dangling']);
}

/** A repository with one commit for each size, each with that many bytes that do not deflate. */
async function commitsOf(name: string, sizes: readonly number[]): Promise<GitClient> {
  const work = await git.init(name);
  await work.run(['config', 'uploadpack.allowFilter', 'true']);
  const random = new SeededRandom(sizes.length);
  for (const [at, size] of sizes.entries()) {
    await work.commit(`commit ${at}`, { [`file-${at}`]: Buffer.from(random.hex(size), 'hex') });
  }
  return work;
}

/** Breaks a run off once so many packs have been taken, and says what it was. */
async function interrupted(seed: Seeding, packs: number, options = seed.options): Promise<MirrorResult> {
  const controller = new AbortController();
  seed.front.rules.onPushed = () => {
    if (seed.front.pushed.length < packs) return false;
    controller.abort(new Error('enough'));
    return true;
  };
  const result = await sync({ ...options, signal: controller.signal });
  seed.front.rules.onPushed = undefined;
  expect(result.outcome).toBe('interrupted');
  return result;
}

describe('batches for a target with a limited body (issue 13, point 2)', () => {
  it.each(['413', '413-late', 'stated', '408', '504', 'cut'] as const)(
    'are sent if it refuses with %s',
    async (style) => {
      const seed = await seeding({ limit: LIMIT, style });
      const result = await sync(seed.options);
      await expectEqual(result, seed.target);
      expect(result.packs).toBe(seed.told.filter((line) => line.startsWith('relaying')).length);
      expect(seed.front.refused).toBeGreaterThan(0);
      expect(seed.told).toContainEqual(expect.stringMatching(/^relaying pack 2\/\d+$/));
      const main = result.refs.find(({ target }) => target === 'refs/heads/main');
      expect(main).toMatchObject({
        strategy: 'batches',
        strategyReason: expect.stringContaining('does not take it at once'),
      });
    },
  );

  it('are sent if the report of git itself has the limit', async () => {
    const seed = await seeding(UNLIMITED);
    await seed.target.run(['config', 'receive.maxInputSize', '45000']);
    const result = await sync(seed.options);
    await expectEqual(result, seed.target);
    expect(seed.told).toContainEqual(expect.stringContaining('exceeds maximum allowed size'));
  });

  it('are sent from the start if the limit is known: the plan says so, and no pack is longer', async () => {
    const limits = { targetMaxPackBytes: LIMIT };
    const seed = await seeding({ limit: LIMIT + 1_000, style: '413' }, { limits });
    const planned = await plan(seed.options);
    expect(planned.packs).toBe(0);
    expect(planned.refs.filter(({ strategy }) => strategy !== 'batches')).toEqual([]);
    expect(planned.refs[0]?.strategyReason).toContain('--target-max-pack-bytes');
    const result = await sync(seed.options);
    await expectEqual(result, seed.target);
    expect(seed.front.refused).toBe(0);
    expect(result.packs).toBeGreaterThan(2);
  });

  it('are one pack if everything fits, without a graph', async () => {
    const seed = await seeding(UNLIMITED, { limits: { targetMaxPackBytes: 2 ** 30 } });
    const result = await sync(seed.options);
    await expectEqual(result, seed.target);
    expect(result.packs).toBe(1);
    expect(seed.told.join('\n')).not.toContain('where to divide');
  });

  it('are sent for updates and new refs of a filled target', async () => {
    const seed = await seeding(UNLIMITED);
    const [first = new Map<string, string>()] = history.stages;
    const main = first.get('refs/heads/main') ?? '';
    await history.repository.run(['push', '--quiet', seed.target.folder, `${main}:refs/heads/main`]);
    Object.assign(seed.front.rules, { limit: LIMIT, style: 'stated' });
    const result = await sync(seed.options);
    await expectEqual(result, seed.target);
    expect(result.refs.find(({ target }) => target === 'refs/heads/main')).toMatchObject({
      action: 'update',
      strategy: 'batches',
    });
    expect(result.packs).toBeGreaterThan(2);
  });

  it('are divided here if the source cannot leave out trees', async () => {
    const seed = await seeding({ limit: LIMIT, style: '413' });
    await git.run(['clone', '--quiet', '--mirror', history.repository.folder, 'without-filter.git']);
    const result = await sync({
      ...seed.options,
      source: { address: `${host.url}/without-filter.git` },
    });
    await expectEqual(result, seed.target);
    expect(seed.told).toContainEqual(expect.stringContaining('copied to this machine'));
  });

  it('are sent from a source that serves only tips of refs, over protocol version 0', async () => {
    const seed = await seeding({ limit: LIMIT, style: '413' });
    await expectEqual(await sync({ ...seed.options, protocol: 0 }), seed.target);
  });

  it('complete the branch of HEAD first, and then one ref after the other', async () => {
    const source = await commitsOf('many-branches', [9_000, 9_000, 9_000]);
    await source.run(['checkout', '--quiet', '-b', 'a-branch', 'HEAD~2']);
    for (const at of [1, 2, 3])
      await source.commit(`side ${at}`, { [`side-${at}`]: new SeededRandom(at).hex(9_000) });
    await source.run(['tag', '-a', '-m', 'tag', 'v1']);
    await source.run(['branch', 'contained', 'main~1']);
    await source.run(['checkout', '--quiet', 'main']);
    const seed = await seeding(
      { limit: 15_000, style: 'stated' },
      { source: { address: source.folder }, scope: { tags: true } },
    );
    await expectEqual(await sync(seed.options), seed.target, source);
    const order = seed.front.names.flat().filter((name) => !name.startsWith('refs/cairn-mirror/'));
    expect(order).toEqual(['refs/heads/main', 'refs/heads/a-branch', 'refs/heads/contained', 'refs/tags/v1']);
  });

  it('of a merge that is too large begin with its merged commits', async () => {
    const source = await commitsOf('large-merge', [9_000]);
    await source.run(['checkout', '--quiet', '-b', 'side']);
    for (const at of [1, 2, 3])
      await source.commit(`side ${at}`, { [`side-${at}`]: new SeededRandom(at).hex(9_000) });
    await source.run(['checkout', '--quiet', 'main']);
    await source.run(['merge', '--quiet', '--no-ff', '-m', 'merge', 'side']);
    await source.run(['branch', '--quiet', '-D', 'side']);
    const limits = { targetMaxPackBytes: 15_000 };
    const seed = await seeding(
      { limit: 15_500, style: '413' },
      { source: { address: source.folder }, scope: {}, limits },
    );
    await expectEqual(await sync(seed.options), seed.target, source);
    expect(seed.told).toContainEqual(expect.stringContaining('what it merges goes first'));
    expect(Math.max(...seed.front.pushed)).toBeLessThan(15_500);
  });
});

it('a SHA-256 history is sent in batches', async () => {
  const shape = { seed: 14, commits: 60, stages: 1, format: 'sha256' } as const;
  const { repository } = await generateHistory(temp.path, shape);
  const seed = await seeding(
    { limit: LIMIT, style: 'stated' },
    { source: { address: repository.folder }, limits: { targetMaxPackBytes: 50_000 } },
  );
  await git.init('target-sha256.git', '--bare', '--object-format=sha256');
  const result = await sync({ ...seed.options, target: { address: `${seed.front.url}/target-sha256.git` } });
  await expectEqual(result, git.at('target-sha256.git'), repository);
  expect(result.packs).toBeGreaterThan(1);
});

it('very many refs are sent in pushes of the size that the target accepts', async () => {
  const source = await commitsOf('many-tags', [2_000, 2_000, 2_000]);
  const ids = (await source.run(['rev-list', 'main'])).split('\n');
  const tags = Array.from({ length: 600 }, (_, at) => `create refs/tags/t-${at} ${ids[at % ids.length]}\n`);
  await source.run(['update-ref', '--stdin'], { input: tags.join('') });
  const limits = { targetMaxPackBytes: 3_500, targetMaxRefUpdates: 250 };
  const seed = await seeding(UNLIMITED, { source: { address: source.folder }, limits });
  await expectEqual(await sync(seed.options), seed.target, source);
  expect(Math.max(...seed.front.names.map(({ length }) => length))).toBeLessThanOrEqual(251);
});

describe('changes by others', () => {
  /** Acts once the target has taken so many packs, while the run still waits for the answer to the last of them. */
  function onceTaken(seed: Seeding, packs: number, act: () => Promise<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      seed.front.rules.onAnswered = async () => {
        if (seed.front.pushed.length === packs) await act().then(resolve, reject);
        return false;
      };
    });
  }

  it('to a ref of the target stay, and the other refs are created', async () => {
    const seed = await seeding(UNLIMITED, { limits: { targetMaxPackBytes: LIMIT } });
    const tree = await seed.target.run(['mktree'], { input: '' });
    const theirs = await seed.target.run(['commit-tree', '-m', 'theirs', tree]);
    const acted = onceTaken(seed, 1, () => seed.target.run(['update-ref', 'refs/notes/commits', theirs]));
    const result = await sync(seed.options);
    await acted;
    expect(result.outcome).toBe('moved');
    expect(
      result.refs.filter((ref) => ref.result?.outcome !== 'applied').map(({ target }) => target),
    ).toEqual(['refs/notes/commits']);
    expect(await seed.target.oidOf('refs/notes/commits')).toBe(theirs);
    expect(await temporaryRefs(seed.target)).toEqual([]);
  });

  it('to the temporary ref of a run do not end the run', async () => {
    const seed = await seeding(UNLIMITED, { limits: { targetMaxPackBytes: LIMIT } });
    const tree = await seed.target.run(['mktree'], { input: '' });
    const theirs = await seed.target.run(['commit-tree', '-m', 'theirs', tree]);
    let acted = false;
    seed.front.rules.onBegun = async () => {
      if (acted || seed.front.pushed.length === 0) return;
      acted = true;
      const [name = ''] = await temporaryRefs(seed.target);
      await seed.target.run(['update-ref', name, theirs]);
    };
    const result = await sync(seed.options);
    expect(acted).toBe(true);
    // What somebody else has put there is theirs.
    for (const name of await temporaryRefs(seed.target)) {
      expect(await seed.target.oidOf(name)).toBe(theirs);
      await seed.target.run(['update-ref', '-d', name]);
    }
    await expectEqual(result, seed.target);
  });
});

describe('a commit that is too large for the target', () => {
  it('ends the run with the needed size, and a later run with a higher limit continues', async () => {
    const source = await commitsOf('large-commit', [9_000, 9_000, 50_000, 9_000]);
    const seed = await seeding(
      { limit: 20_000, style: 'stated' },
      { source: { address: source.folder }, scope: {} },
    );
    const failed = await sync(seed.options);
    expect(failed.outcome).toBe('configuration');
    const large = await source.run(['rev-parse', 'HEAD~1']);
    expect(failed.problem).toContain(`${large} alone needs a pack of 49`);
    expect(failed.problem).toContain('the target takes 19.5 KiB');
    expect(failed.problem).not.toContain('it would have');
    const sent = await source.run(['rev-parse', 'HEAD~2']);
    expect(await refsOf(seed.target)).toMatch(new RegExp(`^${sent} refs/cairn-mirror/\\S+$`));
    seed.front.rules.limit = 60_000;
    await expectEqual(await sync(seed.options), seed.target, source);
  });
});

describe('an interrupted run (issue 13, point 2)', () => {
  it('is continued by the next one, which sends less and says why it sends batches', async () => {
    const fresh = await seeding(UNLIMITED, { limits: { targetMaxPackBytes: LIMIT } });
    await expectEqual(await sync(fresh.options), fresh.target);
    const seed = await seeding(UNLIMITED, { limits: { targetMaxPackBytes: LIMIT } });
    await interrupted(seed, 3);
    expect(await temporaryRefs(seed.target)).not.toEqual([]);
    const before = seed.front.pushed.length;
    const planned = await plan({ ...seed.options, limits: {} });
    expect(planned.refs.map(({ strategyReason }) => strategyReason)).toContainEqual(
      expect.stringMatching(/a run was interrupted: refs\/cairn-mirror\/\S+ keeps what it has sent/),
    );
    const result = await sync(seed.options);
    await expectEqual(result, seed.target);
    expect(seed.front.pushed.length - before).toBeLessThan(fresh.front.pushed.length);
  });

  it('is continued in batches after a branch was completed, also by bootstrap', async () => {
    const seed = await seeding(UNLIMITED, { limits: { targetMaxPackBytes: LIMIT } });
    let packs = 0;
    while (!(await refsOf(seed.target)).includes('refs/heads/main')) await interrupted(seed, ++packs);
    expect(await temporaryRefs(seed.target)).not.toEqual([]);
    const result = await bootstrap(seed.options);
    await expectEqual(result, seed.target);
    expect(result.refs.find(({ target }) => target === 'refs/heads/main')?.action).toBe('skip');
  });

  it.each<[string, (seed: Seeding) => Promise<void>]>([
    [
      'keeps what the source does not know',
      async ({ target }) => {
        const tree = await target.run(['mktree'], { input: '' });
        const commit = await target.run(['commit-tree', '-m', 'elsewhere', tree]);
        await target.run(['update-ref', 'refs/cairn-mirror/1', commit]);
      },
    ],
    [
      'keeps what has become part of another branch',
      async ({ target }) => {
        const main = history.stages.at(-1)?.get('refs/heads/main') ?? '';
        await history.repository.run(['push', '--quiet', target.folder, `${main}~2:refs/cairn-mirror/7`]);
      },
    ],
    [
      'keeps all of it already',
      async ({ target }) => {
        const main = history.stages.at(-1)?.get('refs/heads/main') ?? '';
        await history.repository.run(['push', '--quiet', target.folder, `${main}:refs/cairn-mirror/x/1`]);
      },
    ],
    [
      'was only not removed',
      async (seed) => {
        await expectEqual(await sync(seed.options), seed.target);
        await seed.target.run(['update-ref', 'refs/cairn-mirror/1', 'refs/heads/main']);
      },
    ],
  ])('has no temporary ref after another run has ended: one that %s', async (_, prepare) => {
    const seed = await seeding(UNLIMITED, { limits: { targetMaxPackBytes: LIMIT } });
    await prepare(seed);
    expect(await temporaryRefs(seed.target)).not.toEqual([]);
    await expectEqual(await replicate(seed.options), seed.target);
  });

  it('is not assumed if an answer was lost whose pack was accepted', async () => {
    const seed = await seeding(UNLIMITED, { limits: { targetMaxPackBytes: LIMIT } });
    let answers = 0;
    seed.front.rules.onAnswered = () => ++answers % 2 === 0;
    const result = await sync(seed.options);
    await expectEqual(result, seed.target);
    const temporary = seed.front.names.flat().filter((name) => name.startsWith('refs/cairn-mirror/'));
    expect(temporary.length).toBeGreaterThan(1);
  });
});

describe('a target that refuses temporary refs', () => {
  it('is named by the error', async () => {
    const seed = await seeding(UNLIMITED, { limits: { targetMaxPackBytes: LIMIT } });
    const hook = '#!/bin/sh\ncase "$1" in refs/cairn-mirror/*) exit 1;; esac\n';
    await writeFile(join(seed.target.folder, 'hooks/update'), hook, { mode: 0o755 });
    const result = await sync(seed.options);
    expect(result.outcome).not.toBe('ok');
    expect(result.problem).toMatch(/does not keep the temporary ref refs\/cairn-mirror\/\d+-.*hook declined/);
  });

  it('keeps them if it allows no deletion, and the result says so', async () => {
    const seed = await seeding(UNLIMITED, { limits: { targetMaxPackBytes: LIMIT } });
    const hook = join(seed.target.folder, 'hooks/update');
    await writeFile(hook, '#!/bin/sh\ncase "$3" in 0000000000*) exit 1;; esac\n', { mode: 0o755 });
    const result = await sync(seed.options);
    expect(result.outcome).toBe('partial');
    expect(result.problem).toMatch(
      /temporary refs are left behind \(refs\/cairn-mirror\/\d+-.*hook declined/,
    );
    expect(result.refs.filter((ref) => ref.result?.outcome !== 'applied')).toEqual([]);
    await rm(hook);
    await expectEqual(await sync(seed.options), seed.target);
  });
});
