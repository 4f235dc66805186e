import { setImmediate as othersFirst } from 'node:timers/promises';
import { isTag, type RefEntry, tableOf } from '../../git/index.ts';
import { LruMap } from '../../lib/lru.ts';
import type { GitManifest } from '../../repository/git/git-manifest.ts';

/** What is gathered from the refs of a manifest, once for all who ask. */
interface Gathered {
  /** Every object id an advertisement shows: values of refs, and what tags peel to. */
  readonly shown: ReadonlySet<string>;
  /** The values of tags that are objects of their own. */
  readonly tags: readonly string[];
}

/** What a manifest with its refs in it takes anyway, and this as much again: it goes when the manifest is forgotten. */
const ofFew = new WeakMap<GitManifest, Promise<Gathered>>();

/**
 * Manifests with very many refs share what these take, and a push makes another one: of so many refs it is kept, at some
 * 100 bytes each.
 */
const KEPT = 300_000;
const ofMany = new LruMap<GitManifest, Promise<Gathered>>(KEPT);

/** Refs looked at before others get their turn: some 2 ms. */
const AT_A_TIME = 5_000;

/** Object ids looked for one by one in a long list of refs; more than that, and the list is gone through once for all. */
const SOUGHT = 16;

/**
 * True when an advertisement of this manifest shows all of these objects.
 * @throws CairnError `unavailable` or `corrupt` when refs cannot be loaded
 */
export async function showsObjects(manifest: GitManifest, oids: readonly string[]): Promise<boolean> {
  const table = tableOf(manifest.refs);
  if (table !== undefined && oids.length <= SOUGHT && ofMany.get(manifest) === undefined) {
    await table.ready();
    return oids.every((oid) => table.pointingAt(oid).next().done === false);
  }
  const { shown } = await gather(manifest);
  return oids.every((oid) => shown.has(oid));
}

/**
 * The tag objects that refs below `refs/tags/` name.
 * @throws CairnError `unavailable` or `corrupt` when refs cannot be loaded
 */
export async function tagObjects(manifest: GitManifest): Promise<readonly string[]> {
  return (await gather(manifest)).tags;
}

function gather(manifest: GitManifest): Promise<Gathered> {
  const gathered = tableOf(manifest.refs) === undefined ? ofFew : ofMany;
  let gathering = gathered.get(manifest);
  if (gathering === undefined) {
    gathering = goThrough(manifest);
    gathered.set(manifest, gathering, manifest.refs.size);
    gathering.catch(() => gathered.delete(manifest));
  }
  return gathering;
}

async function goThrough(manifest: GitManifest): Promise<Gathered> {
  await tableOf(manifest.refs)?.ready();
  const shown = new Set<string>();
  const tags: string[] = [];
  let seen = 0;
  for (const { name, oid, peeled } of entriesOf(manifest)) {
    shown.add(oid);
    if (peeled !== undefined) {
      shown.add(peeled);
      if (isTag(name)) tags.push(oid);
    }
    if (++seen % AT_A_TIME === 0) await othersFirst();
  }
  return { shown, tags };
}

function* entriesOf({ refs, peeled }: GitManifest): Generator<RefEntry, undefined> {
  const table = tableOf(refs);
  if (table !== undefined) yield* table.startingWith('');
  else for (const [name, oid] of refs) yield { name, oid, peeled: peeled.get(name) };
  return undefined;
}
