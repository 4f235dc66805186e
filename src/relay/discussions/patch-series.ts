/** The patches of a thread (NIP-34): a series, and its revisions. */
import { cooperate } from '../../lib/cooperative.ts';
import { predecessorOf } from '../../nostr/collaboration/references.ts';
import { parseThreadStart } from '../../nostr/collaboration/thread-start.ts';
import type { NostrEvent } from '../../nostr/event.ts';
import type { Filter } from '../../nostr/filter.ts';
import { kinds } from '../../nostr/kinds.ts';
import { values } from '../../nostr/tags.ts';
import type { ListedEvent } from '../events.ts';
import type { Authenticated } from '../publication.ts';
import { type DiscussionContext, nowOf, seenEvent } from './discussion-context.ts';

/** One patch, without its text. */
export interface ListedPatch {
  readonly id: string;
  readonly author: string;
  /** Seconds. */
  readonly at: number;
  readonly subject: string;
}

/** Patches that follow one another. The first one names the series. */
export interface PatchSeries {
  readonly patches: readonly [ListedPatch, ...ListedPatch[]];
}

export interface PatchThread {
  /** The first series, then its revisions, the newest last. */
  readonly series: readonly [PatchSeries, ...PatchSeries[]];
  /** Patches by people who neither started the thread nor maintain the repository. They are not part of the series. */
  readonly byOthers: readonly ListedPatch[];
  /** True if there are more patches than are read. */
  readonly cut: boolean;
}

/** Patches of a thread that are read, and those by others: each may have 256 KiB. */
export const MOST_PATCHES = 100;
const MOST_BY_OTHERS = 20;
/** Steps from the beginning of a thread that are followed. */
const MOST_STEPS = 100;

interface Read extends ListedPatch {
  readonly predecessor: string | undefined;
  readonly isRevision: boolean;
}

/**
 * Reads the patches that belong to a thread.
 * @param root the event that begins it
 * @param keys that may add patches: the author's, and those of maintainers
 */
export async function readPatchThread(
  context: DiscussionContext,
  root: NostrEvent,
  reader: Authenticated,
  keys: ReadonlySet<string>,
): Promise<PatchThread> {
  const read = new Map<string, Read>([[root.id, patchOf(root)]]);
  let [frontier, cut]: [ReadonlySet<string>, boolean] = [new Set([root.id]), false];
  for (let step = 0; frontier.size > 0 && !cut; step++) {
    // Only those are read, so others cannot push them out of the limit.
    const found = await following(context, frontier, { authors: keys }, 2 * MOST_PATCHES);
    const next = new Set<string>();
    // The oldest first: the limit cuts off the newest.
    for (const { id } of found.reverse()) {
      if (read.has(id)) continue;
      if (read.size >= MOST_PATCHES || step >= MOST_STEPS) {
        cut = true;
        break;
      }
      const event = seenEvent(context, id, reader);
      if (event === undefined) continue;
      read.set(id, patchOf(event));
      next.add(id);
    }
    frontier = next;
  }
  const others = await following(context, new Set(read.keys()), {}, MOST_PATCHES);
  const byOthers = others
    .flatMap(({ id }) => seenEvent(context, id, reader) ?? [])
    .filter(({ pubkey }) => !keys.has(pubkey))
    .slice(0, MOST_BY_OTHERS)
    .map(patchOf);
  const [first, ...revisions] = seriesOf(root.id, read);
  return { series: [first ?? { patches: [patchOf(root)] }, ...revisions], byOthers, cut };
}

/** Patches that follow some others, newest first. */
function following(
  context: DiscussionContext,
  ids: ReadonlySet<string>,
  which: Pick<Filter, 'authors'>,
  limit: number,
): Promise<ListedEvent[]> {
  const filter = { ...which, kinds: new Set([kinds.patch]), tags: new Map([['e', ids]]) };
  return cooperate(context.events.listing(filter, { limit, now: nowOf(context) }));
}

/** Finds the patch that begins the thread of a patch, along what each follows. */
export function rootOfPatch(
  context: DiscussionContext,
  patch: NostrEvent,
  reader: Authenticated,
): NostrEvent {
  let at = patch;
  for (let step = 0; step < MOST_STEPS; step++) {
    const before = predecessorOf(at);
    const event = before === undefined ? undefined : seenEvent(context, before, reader);
    if (event?.kind !== kinds.patch || event.id === patch.id) return at;
    at = event;
  }
  return at;
}

/** Sorts patches into the first series and its revisions; each follows its predecessor. */
function seriesOf(root: string, read: ReadonlyMap<string, Read>): PatchSeries[] {
  const heads = [...read.values()]
    .filter(({ id, isRevision }) => id === root || isRevision)
    .sort((a, b) => Number(b.id === root) - Number(a.id === root) || oldestFirst(a, b));
  const isHead = new Set(heads.map(({ id }) => id));
  const followers = new Map<string, Read[]>();
  for (const patch of read.values()) {
    if (isHead.has(patch.id) || patch.predecessor === undefined) continue;
    followers.set(patch.predecessor, [...(followers.get(patch.predecessor) ?? []), patch]);
  }
  return heads.map((head) => {
    const patches: [Read, ...Read[]] = [head];
    const seen = new Set([head.id]);
    for (const patch of patches) {
      for (const next of (followers.get(patch.id) ?? []).sort(oldestFirst)) {
        if (seen.has(next.id)) continue;
        seen.add(next.id);
        patches.push(next);
      }
    }
    return { patches };
  });
}

function patchOf(event: NostrEvent): Read {
  const { id, pubkey: author, created_at: at } = event;
  const marks = values(event, 't');
  return {
    id,
    author,
    at,
    subject: parseThreadStart(event)?.subject ?? 'No subject',
    predecessor: predecessorOf(event),
    isRevision: marks.includes('root-revision') || marks.includes('revision-root'),
  };
}

function oldestFirst(a: ListedPatch, b: ListedPatch): number {
  return a.at - b.at || (a.id < b.id ? -1 : 1);
}
