/**
 * Runs of `cairn mirror` between small repositories, with flags by chance. What the documentation says of refs, exit codes and JSON is
 * worked out here once more, from the refs and the history alone, and compared.
 */
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { wholeScope } from '../../../src/mirror/plan/ref-scope.ts';
import { repositoryId } from '../../../src/repository/repository-id.ts';
import { runCommand } from '../../helpers/command.ts';
import { GitClient } from '../../helpers/git-client.ts';
import { startGitHttpHost } from '../../helpers/git-http-host.ts';
import { ImportRig, openSource } from '../../helpers/import-rig.ts';
import { startLimitingFront } from '../../helpers/limiting-front.ts';
import {
  isInTheWay,
  type Pool,
  randomPool,
  randomRefs,
  refMap,
  repositoryWith,
  variedRefs,
} from '../../helpers/random-refs.ts';
import { SeededRandom } from '../../helpers/seeded-random.ts';
import { tempDir } from '../../helpers/temp-dir.ts';
import { testSeed } from '../../helpers/test-seed.ts';

const FIRST = testSeed();
const ROUNDS = Number(process.env['CAIRN_TEST_MIRRORS'] ?? 6);

type Refs = ReadonlyMap<string, string>;
type Mode = 'sync' | 'replicate' | 'bootstrap';
type Action = 'create' | 'update' | 'delete' | 'skip' | 'block';

/** What a run is asked for. */
interface Asked {
  readonly mode: Mode;
  readonly branches: readonly string[];
  readonly mappings: readonly (readonly [source: string, target: string])[];
  readonly tags: boolean;
  readonly allRefs: boolean;
  readonly excluded: readonly string[];
  readonly prune: boolean;
  readonly force: boolean;
  readonly bestEffort: boolean;
  readonly limits: readonly string[];
}

/** Two repositories before a run. */
interface World {
  readonly pool: Pool;
  readonly source: Refs;
  readonly target: Refs;
  /** The branch of the target's HEAD, which git does not let be deleted. */
  readonly current: string;
}

interface Expected {
  readonly actions: ReadonlyMap<string, Action>;
  readonly outcome: string;
  readonly after: Refs;
}

const EXIT_CODES: Readonly<Record<string, number>> = { ok: 0, blocked: 2, partial: 3, configuration: 5 };

const isBranch = (name: string) => name.startsWith('refs/heads/');
const isTag = (name: string) => name.startsWith('refs/tags/');
const isOther = (name: string) => !isBranch(name) && !isTag(name);

function randomlyAsked({ source, target }: World, random: SeededRandom): Asked {
  const chance = (of: number) => random.below(of) === 0;
  const mode: Mode = random.pick(['sync', 'sync', 'sync', 'replicate', 'replicate', 'bootstrap']);
  const narrowed = random.below(6);
  const tags = chance(2);
  const allRefs = chance(3);
  const names = [...source.keys()];
  const branches = narrowed === 0 ? pickSome(names.filter(isBranch), random, 3) : [];
  if (narrowed === 0 && chance(4)) branches.push('refs/heads/not-there');
  const mappable =
    narrowed === 1
      ? pickSome(
          names.filter((name) => allRefs || !isOther(name)),
          random,
          3,
        )
      : [];
  const mappings = new Map<string, readonly [string, string]>();
  for (const name of mappable) {
    const folder = isBranch(name) ? 'refs/heads/' : isTag(name) ? 'refs/tags/' : 'refs/x/';
    const known = [...target.keys()].filter((other) => other.startsWith(folder));
    const to = chance(2) && known.length > 0 ? random.pick(known) : `${folder}mapped/${random.below(2)}`;
    mappings.set(to, [name, to]);
  }
  const limits = [
    ...(chance(4) ? ['--target-max-ref-updates', String(1 + random.below(3))] : []),
    ...(chance(4) ? ['--target-max-pack-bytes', String(6_000 + random.below(8_000))] : []),
    ...(chance(6) ? ['--max-pack-bytes', '1MiB'] : []),
    ...(chance(3) ? ['--protocol', random.pick(['v0', 'v1', 'v2'])] : []),
  ];
  return {
    mode,
    branches,
    mappings: [...mappings.values()],
    tags,
    allRefs,
    excluded: chance(4)
      ? [random.pick(['refs/heads/a', 'refs/tags/', 'refs/pull/', 'refs/heads/a/', 'refs/n'])]
      : [],
    prune: mode !== 'bootstrap' && chance(2),
    force: mode === 'sync' && chance(3),
    bestEffort: chance(3),
    limits,
  };
}

function pickSome(names: readonly string[], random: SeededRandom, most: number): string[] {
  if (names.length === 0) return [];
  return [...new Set(Array.from({ length: 1 + random.below(most) }, () => random.pick(names)))];
}

function flagsOf(asked: Asked, random: SeededRandom): string[] {
  const { branches, mappings, tags, allRefs, excluded, prune, force, bestEffort, limits } = asked;
  return [
    ...(branches.length > 0 ? [`--branch=${branches.map(shortened).join(',')}`] : []),
    ...mappings.flatMap(([from, to]) => ['--map', `${from}:${to}`]),
    ...(tags ? ['--tags'] : []),
    ...(allRefs ? ['--all-refs'] : []),
    ...excluded.flatMap((prefix) => ['--exclude-ref-prefix', prefix]),
    ...(prune ? ['--prune'] : []),
    ...(force ? [random.pick(['--force', '--force-with-lease'])] : []),
    ...(bestEffort ? ['--best-effort'] : []),
    ...limits,
  ];
}

/** A branch in the shortest form that means no other one. */
function shortened(name: string): string {
  const short = name.slice('refs/heads/'.length);
  return short.startsWith('refs/') ? name : short;
}

/** The refs that the target is to have: name, and the one of the source. */
function wanted(
  { branches, mappings, tags, allRefs, excluded }: Asked,
  source: Refs,
): [to: string, from: string][] {
  const isIn = (name: string) => !excluded.some((prefix) => name.startsWith(prefix));
  const listed = (kinds: (name: string) => boolean) =>
    [...source.keys()].filter((name) => kinds(name) && isIn(name));
  const also = (names: readonly string[]) => names.map((name): [string, string] => [name, name]);
  if (mappings.length > 0) {
    const mapped = mappings.map(([from, to]): [string, string] => [to, from]);
    const taken = new Set(mapped.map(([to]) => to));
    return [...mapped, ...also(tags ? listed(isTag).filter((name) => !taken.has(name)) : [])];
  }
  if (allRefs) return also(listed(() => true));
  const named = branches.filter(isIn);
  if (branches.length > 0) return [...also(named), ...also(tags ? listed(isTag) : [])];
  return also(listed((name) => isBranch(name) || (tags && isTag(name))));
}

function isPrunable({ branches, mappings, tags, allRefs, excluded }: Asked, name: string): boolean {
  if (excluded.some((prefix) => name.startsWith(prefix))) return false;
  const isNarrowed = mappings.length > 0 || (branches.length > 0 && !allRefs);
  if (isBranch(name)) return !isNarrowed;
  if (isTag(name)) return tags || (allRefs && !isNarrowed);
  return allRefs && !isNarrowed;
}

function expectedOf(asked: Asked, world: World): Expected {
  const { source, target, pool, current } = world;
  const actions = new Map<string, Action>();
  const isNarrowed = asked.mappings.length > 0 || (asked.branches.length > 0 && !asked.allRefs);
  const isHollow = source.size === 0 || (!isNarrowed && ![...source.keys()].some(isBranch));
  const refs = wanted(asked, source);
  const kept = new Set(refs.map(([to]) => to));
  for (const [to, from] of refs) {
    const [old, oid] = [target.get(to), source.get(from)];
    if (oid === undefined) actions.set(to, 'block');
    else if (old === undefined) actions.set(to, 'create');
    else if (asked.mode === 'bootstrap') actions.set(to, 'block');
    else if (old === oid) actions.set(to, 'skip');
    else if (asked.mode === 'replicate' || asked.force) actions.set(to, 'update');
    else actions.set(to, isBranch(to) && pool.isAncestor(old, oid) ? 'update' : 'block');
  }
  if (asked.prune) {
    for (const name of target.keys()) {
      if (!kept.has(name) && !source.has(name) && isPrunable(asked, name))
        actions.set(name, isHollow ? 'block' : 'delete');
    }
  }
  // What is in the way of a new ref is deleted before it, or the new ref is blocked.
  const present = new Set(target.keys());
  const cleared = new Set<string>();
  const head = headOf(world);
  const inOrder = [...refs.filter(([, from]) => from === head), ...refs.filter(([, from]) => from !== head)];
  for (const [to] of inOrder) {
    if (actions.get(to) !== 'create') continue;
    const inTheWay = [...present].filter((name) => isInTheWay(name, to));
    if (inTheWay.every((name) => actions.get(name) === 'delete')) {
      for (const name of inTheWay) {
        cleared.add(name);
        present.delete(name);
      }
      present.add(to);
    } else actions.set(to, 'block');
  }
  return concluded(asked, world, { actions, refs, cleared, current });
}

/** The branch of the source's HEAD: always the first one here. */
function headOf({ source }: World): string | undefined {
  return [...source.keys()].filter(isBranch).sort()[0];
}

function concluded(
  { bestEffort }: Asked,
  { source, target }: World,
  {
    actions,
    refs,
    cleared,
    current,
  }: {
    readonly actions: ReadonlyMap<string, Action>;
    readonly refs: readonly [to: string, from: string][];
    readonly cleared: ReadonlySet<string>;
    readonly current: string;
  },
): Expected {
  if (actions.size === 0) return { actions, outcome: 'configuration', after: target };
  const blocked = [...actions].filter(([, action]) => action === 'block').map(([name]) => name);
  if (blocked.length > 0 && !bestEffort) return { actions, outcome: 'blocked', after: target };
  const after = new Map(target);
  const refused: string[] = [];
  let done = 0;
  const remove = (name: string) => {
    if (name === current) refused.push(name);
    else {
      after.delete(name);
      done += 1;
    }
  };
  for (const name of cleared) remove(name);
  for (const [to, from] of refs) {
    const action = actions.get(to);
    if (action !== 'create' && action !== 'update') continue;
    if ([...after.keys()].some((name) => isInTheWay(name, to))) refused.push(to);
    else {
      after.set(to, source.get(from) ?? '');
      done += 1;
    }
  }
  const deletes = [...actions].filter(([name, action]) => action === 'delete' && !cleared.has(name));
  const holdsBack = [...blocked, ...refused].some((name) => !bestEffort || !isOther(name));
  if (!holdsBack) for (const [name] of deletes) remove(name);
  const pending = holdsBack ? deletes.length : 0;
  const isPartial = blocked.length > 0 || (refused.length > 0 && !bestEffort);
  const outcome = isPartial ? (done > 0 ? 'partial' : 'blocked') : pending > 0 ? 'partial' : 'ok';
  return { actions, outcome, after };
}

interface Document {
  readonly outcome: string;
  readonly problem: string | null;
  readonly packs: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly refs: readonly {
    readonly target: string;
    readonly action: Action;
    readonly reason: string;
    readonly strategy?: string;
    readonly strategyReason?: string;
    readonly result: string | null;
  }[];
  readonly traffic: Readonly<Partial<Record<'source' | 'target', { readonly requests: number }>>>;
}

/** Runs a command, and reads its document. */
function mirrorWith({ folder, ssh }: { readonly folder: string; readonly ssh: string }) {
  const environment = { PATH: process.env['PATH'] ?? '', HOME: folder, GIT_SSH_COMMAND: ssh };
  return async (args: readonly string[]): Promise<{ code: number | null; document: Document }> => {
    const { exitCode, stdout, stderr } = await runCommand(
      ['mirror', ...args, '--json', '--stats'],
      environment,
    );
    const document = JSON.parse(stdout) as Document;
    if (document.problem !== null) expect(stderr).toContain(`cairn: ${document.problem}`);
    return { code: exitCode, document };
  };
}

/** What a plan and a result say of each ref. A target that limits packs changes the strategy. */
const planned = ({ refs }: Document, withStrategy: boolean) =>
  refs.map(({ target, action, reason, strategy, strategyReason }) => ({
    ...{ target, action, reason },
    ...(withStrategy ? { strategy, strategyReason } : {}),
  }));

async function round(seed: number): Promise<void> {
  const random = new SeededRandom(seed);
  await using folder = await tempDir();
  const user = new GitClient(folder.path);
  const pool = await randomPool(user, 'pool.git', random.below(5) === 0 ? 'sha256' : 'sha1', random);
  const sourceRefs = random.below(12) === 0 ? new Map<string, string>() : randomRefs(pool, random);
  const targetRefs = random.below(4) === 0 ? new Map<string, string>() : variedRefs(sourceRefs, pool, random);
  const source = await repositoryWith(user, 'source.git', pool, sourceRefs);
  const target = await repositoryWith(user, 'target.git', pool, targetRefs);
  const branches = [...targetRefs.keys()].filter(isBranch);
  const current =
    random.below(4) === 0 && branches.length > 0 ? random.pick(branches) : 'refs/heads/nothing-there';
  const world: World = { pool, source: await refMap(source), target: await refMap(target), current };
  await target.run(['symbolic-ref', 'HEAD', current]);
  await source.run(['symbolic-ref', 'HEAD', headOf(world) ?? 'refs/heads/unborn']);
  if (random.below(2) === 0) await source.run(['config', 'uploadpack.allowFilter', 'true']);
  await using host = await startGitHttpHost(folder.path);
  await using files = await startFileServer(folder.path);
  await using front = await startLimitingFront(host.url, {
    limit: 5_000 + random.below(6_000),
    style: random.pick(['413', '413-late', 'stated', '408', '504', 'cut']),
  });
  const ssh = await fakeSsh(folder.path);
  const asked = randomlyAsked(world, random);
  const from = await random.pick([
    async () => source.folder,
    async () => `${host.url}/source.git`,
    async () => `host:${source.folder}`,
    async () => bundleOf(source, world),
    async () => {
      await source.run(['update-server-info']);
      return `${files.url}/source.git`;
    },
  ])();
  const way = random.below(6);
  const plain = way < 2 ? target.folder : `${host.url}/target.git`;
  const to = way === 2 ? `ssh://host${target.folder}` : way === 3 ? `${front.url}/target.git` : plain;
  const isSpoken = !from.endsWith('.bundle');
  const flags = flagsOf(asked, random).filter(
    (flag, at, all) => isSpoken || !isOf('--protocol', flag, at, all),
  );
  const expected = expectedOf(asked, world);
  const mirror = mirrorWith({ folder: folder.path, ssh });

  const plan = await mirror(['plan', from, to, '--mode', asked.mode, ...flags]);
  expect(await refMap(target)).toEqual(world.target);
  expect(new Map(plan.document.refs?.map(({ target: name, action }) => [name, action]) ?? [])).toEqual(
    expected.actions,
  );
  const isBlocked = [...expected.actions.values()].includes('block');
  expect([plan.document.outcome, plan.document.problem]).toEqual([
    expected.outcome === 'configuration' ? 'configuration' : isBlocked ? 'blocked' : 'ok',
    plan.document.problem,
  ]);

  const ran = await mirror([asked.mode, from, to, ...flags]);
  const after = await refMap(target);
  const isTooLong = ran.document.problem?.includes('alone needs a pack of') === true;
  if (!isTooLong) {
    expect([ran.document.outcome, ran.document.problem]).toEqual([expected.outcome, ran.document.problem]);
    expect(after).toEqual(expected.after);
    expect(ran.code).toBe(EXIT_CODES[expected.outcome]);
    expect(planned(ran.document, way !== 3)).toEqual(planned(plan.document, way !== 3));
  }
  await target.run(['fsck', '--connectivity-only', '--no-dangling']);
  expect((await readdir(tmpdir())).filter((name) => name.includes('mirror'))).toEqual([]);

  const unlimited = flags.filter((flag, at, all) => !isOf('--target-max-pack-bytes', flag, at, all));
  const again = await mirror([asked.mode, from, isTooLong ? plain : to, ...(isTooLong ? unlimited : flags)]);
  if (isTooLong) {
    expect([again.document.outcome, again.document.problem]).toEqual([
      expected.outcome,
      again.document.problem,
    ]);
    expect(await refMap(target)).toEqual(expected.after);
  } else if (again.document.outcome === 'ok' && ran.document.outcome === 'ok') {
    expect(again.document.packs).toBe(0);
    expect(await refMap(target)).toEqual(after);
    const isTried = again.document.refs.some(({ action }) => action !== 'skip');
    if (!isTried) {
      for (const side of ['source', 'target'] as const)
        expect(again.document.traffic[side]?.requests ?? 0).toBeLessThanOrEqual(2);
    }
  }
}

/** True for a flag with a value, and for its value. */
function isOf(name: string, flag: string, at: number, all: readonly string[]): boolean {
  return flag === name || all[at - 1] === name;
}

async function bundleOf(source: GitClient, { source: refs }: World): Promise<string> {
  // A bundle has one ref at least.
  if (refs.size === 0) return source.folder;
  const path = join(source.folder, '../source.bundle');
  await source.run(['bundle', 'create', '--quiet', path, '--all']);
  // Git leaves out a ref whose name could also be meant as the end of another one.
  const heads = (await source.run(['bundle', 'list-heads', path]))
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '');
  return [...refs.keys()].every((name) => heads.includes(name)) ? path : source.folder;
}

/** A program that takes the place of `ssh`: whatever the host, the command runs here. */
async function fakeSsh(folder: string): Promise<string> {
  const path = join(folder, 'ssh');
  await writeFile(path, '#!/bin/sh\nfor last; do :; done\nexec sh -c "$last"\n', { mode: 0o755 });
  return path;
}

/** The files of repositories, without a git server (dumb HTTP). */
async function startFileServer(folder: string): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((request, response) => {
    readFile(join(folder, new URL(request.url ?? '/', 'http://localhost').pathname)).then(
      (bytes) => response.end(bytes),
      () => response.writeHead(404).end(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** An import into a repository that has the refs of the target. */
async function importRound(seed: number): Promise<void> {
  const random = new SeededRandom(seed);
  await using folder = await tempDir();
  await using rig = await ImportRig.open(undefined, seed);
  const user = new GitClient(folder.path);
  const pool = await randomPool(user, 'pool.git', random.below(5) === 0 ? 'sha256' : 'sha1', random);
  const sourceRefs = random.below(12) === 0 ? new Map<string, string>() : randomRefs(pool, random);
  const targetRefs = random.below(4) === 0 ? new Map<string, string>() : variedRefs(sourceRefs, pool, random);
  const source = await repositoryWith(user, 'source.git', pool, sourceRefs);
  const target = await repositoryWith(user, 'target.git', pool, targetRefs);
  const world: World = { pool, source: await refMap(source), target: await refMap(target), current: '' };
  await source.run(['symbolic-ref', 'HEAD', headOf(world) ?? 'refs/heads/unborn']);
  if (random.below(2) === 0) await source.run(['config', 'uploadpack.allowFilter', 'true']);
  const repository = rig.rig.repositories.get(repositoryId('a'.repeat(64), 'random'));
  const whole = { ...wholeScope, allRefs: true };
  if (world.target.size > 0)
    expect(await rig.import(repository, target.folder, { scope: whole })).toMatchObject({ outcome: 'ok' });
  const drawn = randomlyAsked(world, random);
  const asked: Asked = drawn.mode === 'bootstrap' ? { ...drawn, mode: 'sync' } : drawn;
  const expected = expectedOf(asked, world);
  const { mode, branches, mappings, tags, allRefs, excluded, prune, force, bestEffort } = asked;
  const scope = {
    branches: branches.map((name) => name.slice('refs/heads/'.length)),
    mappings: mappings.map(([from, to]) => ({ source: from, target: to })),
    ...{ tags, allRefs, excludedPrefixes: excluded, excludedRefs: [] },
  };
  const request = {
    ...{ scope, bestEffort, policy: { mode, force, prune } },
    ...(random.below(3) === 0 ? { pieces: { most: 1 + random.below(10), each: 1 + random.below(5) } } : {}),
  };
  const protocol = random.pick([0, 1, 2, 'auto'] as const);
  const open = () => openSource(source.folder, scope, protocol);
  const planned = await rig.import(repository, await open(), { ...request, dryRun: true });
  expect(new Map(planned.refs.map(({ target: name, action }) => [name, action]))).toEqual(expected.actions);
  const ran = await rig.import(repository, await open(), request);
  const refs = new Map((await repository.resolve())?.manifest.refs);
  expect([ran.outcome, ran.problem]).toEqual([expected.outcome, ran.problem]);
  expect(refs).toEqual(expected.after);
  expect(ran.refs.map(({ result: _, ...ref }) => ref)).toEqual(planned.refs);
  const again = await rig.import(repository, await open(), request);
  // Where all that was in scope has been pruned, nothing is left to import.
  if (ran.outcome === 'ok' && again.refs.length > 0)
    expect(again).toMatchObject({ outcome: 'ok', packs: 0, state: ran.state });
}

it.each([
  ['a run does to the refs of the target what its flags say, and its plan says the same', round],
  ['an import does the same to a repository', importRound],
])(
  '%s',
  async (_, play) => {
    for (let seed = FIRST; seed < FIRST + ROUNDS; seed++) {
      try {
        await play(seed);
      } catch (error) {
        throw new Error(
          `CAIRN_TEST_SEED=${seed} CAIRN_TEST_MIRRORS=1: ${error instanceof Error ? error.message : error}`,
          { cause: error },
        );
      }
    }
  },
  3_600_000,
);
