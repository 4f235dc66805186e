import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import type { ObjectStorePair } from '../../src/object-store/object-store.ts';
import { ArtifactStore } from '../../src/repository/artifact-store.ts';
import { gitKind } from '../../src/repository/git/git-kind.ts';
import type { GitManifest } from '../../src/repository/git/git-manifest.ts';
import { ManifestStore } from '../../src/repository/manifest-store.ts';
import { readPointer } from '../../src/repository/pointer.ts';
import type { RepositoryPlace } from '../../src/repository/repository-id.ts';

/** A published state and the digest of its manifest, which was verified. */
export interface Link {
  readonly digest: string;
  readonly manifest: GitManifest;
}

/** The digest a repository's pointer names; undefined when there is none. */
export async function pointerOf(stores: ObjectStorePair, id: RepositoryPlace): Promise<string | undefined> {
  const reading = await readPointer(stores.control, id);
  return reading.is === 'found' ? reading.digest : undefined;
}

/**
 * Every published state of a repository, oldest first, read from the store past any server.
 * @throws Error when depths are not 0, 1, 2, …
 */
export async function readChain(stores: ObjectStorePair, id: RepositoryPlace): Promise<Link[]> {
  const manifests = new ManifestStore(
    new ArtifactStore({ stores, clock: systemClock, random: systemRandom }),
    gitKind,
  );
  const chain: Link[] = [];
  let digest: string | null = (await pointerOf(stores, id)) ?? null;
  while (digest !== null) {
    const manifest: GitManifest = await manifests.load(id, digest);
    chain.unshift({ digest, manifest });
    digest = manifest.parent;
  }
  for (const [depth, link] of chain.entries()) {
    if (link.manifest.depth !== depth) {
      throw new Error(`manifest ${link.digest} is at depth ${depth} and says ${link.manifest.depth}`);
    }
  }
  return chain;
}

/** Notes every digest a pointer is seen with while something else goes on. */
export function watchPointer(
  stores: ObjectStorePair,
  id: RepositoryPlace,
): { stop(): Promise<readonly string[]> } {
  const seen: string[] = [];
  let watching = true;
  const watched = (async () => {
    while (watching) {
      const digest = await pointerOf(stores, id);
      if (digest !== undefined && digest !== seen.at(-1)) seen.push(digest);
      await sleep(5);
    }
  })();
  return {
    stop: async () => {
      watching = false;
      await watched;
      return seen;
    },
  };
}

/** One command of a push; `undefined` is a ref that does not exist. */
export interface RefChange {
  readonly ref: string;
  readonly from: string | undefined;
  readonly to: string | undefined;
}

/**
 * Finds a serial order of pushes that explains a chain: each cause is one of the pushes, which found every ref as it
 * says and changed the refs that the cause names, and all causes but folds, in order, lead from each state to the next. A command
 * that asks for what is so already is fulfilled without a change (as in git, deleting what is gone is no failure); a
 * push of such commands alone needs a moment at which all of that was so.
 *
 * @param pushes what was answered `ok`, by push
 * @returns the pushes that changed something, in the order they happened
 * @throws Error naming the state that no order explains, or the pushes that are not in the chain
 */
export function explainChain(
  chain: readonly Link[],
  pushes: readonly (readonly RefChange[])[],
): (readonly RefChange[])[] {
  const left = new Set(pushes);
  const order: (readonly RefChange[])[] = [];
  const states: ReadonlyMap<string, string>[] = [new Map()];
  for (const [at, { manifest }] of chain.entries()) {
    const before = states.at(-1) ?? new Map();
    const found = explainStep(before, manifest, [...left]);
    if (found === undefined) {
      const causes = JSON.stringify(manifest.causes);
      throw new Error(`no order of acknowledged pushes explains depth ${at}: ${causes}`);
    }
    for (const push of found) {
      left.delete(push);
      order.push(push);
      states.push(applied(states.at(-1) ?? before, push));
    }
  }
  const lost = [...left].filter(
    (push) => !states.some((refs) => push.every(({ ref, to }) => refs.get(ref) === to)),
  );
  if (lost.length > 0) throw new Error(`acknowledged and not in the chain: ${JSON.stringify(lost)}`);
  return order;
}

/** Depth first: causes are carried out one after another, each by one of the pushes that fit. */
function explainStep(
  refs: ReadonlyMap<string, string>,
  goal: GitManifest,
  pushes: readonly (readonly RefChange[])[],
  cause = 0,
): (readonly RefChange[])[] | undefined {
  // A fold changes packs, never refs.
  const named = goal.causes.filter(({ kind }) => kind !== 'fold')[cause]?.refs;
  if (named === undefined) return sameRefs(refs, goal.refs) ? [] : undefined;
  for (const push of pushes) {
    const changing = push.filter(({ ref, to }) => refs.get(ref) !== to);
    const fits =
      changing.length === named.length &&
      changing.every(({ ref, from }) => named.includes(ref) && refs.get(ref) === from);
    if (!fits) continue;
    const others = pushes.filter((other) => other !== push);
    const rest = explainStep(applied(refs, push), goal, others, cause + 1);
    if (rest !== undefined) return [push, ...rest];
  }
  return undefined;
}

function applied(refs: ReadonlyMap<string, string>, push: readonly RefChange[]): Map<string, string> {
  const next = new Map(refs);
  for (const { ref, to } of push) {
    if (to === undefined) next.delete(ref);
    else next.set(ref, to);
  }
  return next;
}

function sameRefs(left: ReadonlyMap<string, string>, right: ReadonlyMap<string, string>): boolean {
  return left.size === right.size && [...left].every(([name, oid]) => right.get(name) === oid);
}
