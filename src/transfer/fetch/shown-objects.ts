import { setImmediate as othersFirst } from 'node:timers/promises';
import { isTag, type RefEntry, tableOf } from '../../git/index.ts';
import { LruMap } from '../../lib/lru.ts';
import type { GitManifest } from '../../repository/git/git-manifest.ts';

/** Facts collected from the refs of a manifest, once for all requests. */
interface Gathered {
  /** Every object id that an advertisement shows: values of refs, and peeled object ids. */
  readonly shown: ReadonlySet<string>;
  /** The values of tags that are tag objects. */
  readonly tags: readonly string[];
}

/** For manifests with few refs: takes about as much memory as the refs themselves, and is freed with the manifest. */
const ofFew = new WeakMap<GitManifest, Promise<Gathered>>();

/**
 * For manifests with very many refs: every push makes a new manifest, so these share one bound, counted in refs. Each ref
 * takes about 100 bytes.
 */
const KEPT = 300_000;
const ofMany = new LruMap<GitManifest, Promise<Gathered>>(KEPT);

/** Refs visited before yielding to other work: about 2 ms. */
const AT_A_TIME = 5_000;

/** Up to this many object ids are looked up one by one in a table. For more, the facts of all refs are collected. */
const LOOKED_UP = 16;

/**
 * True if an advertisement of this manifest shows all of these objects.
 * @throws CairnError `unavailable` or `corrupt` if refs cannot be loaded
 */
export async function showsObjects(manifest: GitManifest, oids: readonly string[]): Promise<boolean> {
  const table = tableOf(manifest.refs);
  if (table !== undefined && oids.length <= LOOKED_UP && ofMany.get(manifest) === undefined) {
    await table.ready();
    return oids.every((oid) => table.pointingAt(oid).next().done === false);
  }
  const { shown } = await gather(manifest);
  return oids.every((oid) => shown.has(oid));
}

/**
 * The tag objects that are values of refs below `refs/tags/`.
 * @throws CairnError `unavailable` or `corrupt` if refs cannot be loaded
 */
export async function tagObjects(manifest: GitManifest): Promise<readonly string[]> {
  return (await gather(manifest)).tags;
}

function gather(manifest: GitManifest): Promise<Gathered> {
  const gathered = tableOf(manifest.refs) === undefined ? ofFew : ofMany;
  let gathering = gathered.get(manifest);
  if (gathering === undefined) {
    gathering = visitRefs(manifest);
    gathered.set(manifest, gathering, manifest.refs.size);
    gathering.catch(() => gathered.delete(manifest));
  }
  return gathering;
}

async function visitRefs(manifest: GitManifest): Promise<Gathered> {
  await tableOf(manifest.refs)?.ready();
  const shown = new Set<string>();
  const tags: string[] = [];
  let visited = 0;
  for (const { name, oid, peeled } of entriesOf(manifest)) {
    shown.add(oid);
    if (peeled !== undefined) {
      shown.add(peeled);
      if (isTag(name)) tags.push(oid);
    }
    if (++visited % AT_A_TIME === 0) await othersFirst();
  }
  return { shown, tags };
}

function* entriesOf({ refs, peeled }: GitManifest): Generator<RefEntry, undefined> {
  const table = tableOf(refs);
  if (table !== undefined) yield* table.startingWith('');
  else for (const [name, oid] of refs) yield { name, oid, peeled: peeled.get(name) };
  return undefined;
}
