import type { CloneCard } from '../../fossil/cards.ts';
import { deflatePayload, inflatePayload } from '../../fossil/compression.ts';
import { type Bytes, FileBytes, inMemory } from '../../lib/file-bytes.ts';
import type { Bag, BagEntry } from '../../repository/fossil/bag.ts';
import { BagReading } from '../../repository/fossil/bag-reading.ts';
import { LARGE_CONTENT } from '../../repository/fossil/content-maker.ts';
import { fileCards } from '../../repository/fossil/file-cards.ts';
import { RUN_BYTES } from '../../repository/fossil/shared-file-cards.ts';
import { faultFires } from '../faults.ts';
import { type CookieSeal, clonePinCookie, readClonePin } from './clone-cookie.ts';
import { isVisible, type Round } from './round.ts';

/** The first version whose payloads travel compressed. */
const COMPRESSED_FROM = 3;

/** What a page is cut from: a state that stays the same for the whole clone, and where in it the page begins. */
interface PagePlace {
  readonly pinned: Bag;
  /** Seconds since 1970 when it was pinned. */
  readonly since: number;
  /** The first entry of the page, from 0 on. */
  readonly from: number;
}

/**
 * Adds one page of a clone (protocol 2 and 3): artifacts in the order of a pinned state, then the position of the next page.
 * Stock clients end the clone, cut short and without an error, at a page without artifacts, so a page has at least one unless
 * it is the last.
 */
export async function addClonePage(round: Round, clone: CloneCard): Promise<void> {
  const { reply, request, context } = round;
  const seal = sealOf(round);
  const { pinned, since, from } = await placeOf(round, clone, request.cookie, seal);
  if (clone.version >= COMPRESSED_FROM) reply.type = 'application/x-fossil-uncompressed';
  const isSmall = faultFires(context.faults, 'server.small-clone-page');
  const next =
    !isSmall && isForEverybody(round, pinned, clone.version)
      ? await addCards(round, pinned, from)
      : await addEntries(round, pinned, { from, version: clone.version, isSmall });
  context.signal?.throwIfAborted();
  const isLast = next >= pinned.count;
  if (!isLast) {
    const value = clonePinCookie({ digest: pinned.digest, since }, seal);
    reply.add({ card: 'cookie', value });
  }
  // The position first: a client that sees the push card before it would ask for this page again.
  reply.add({ card: 'clone_seqno', position: isLast ? 0 : next + 1 });
}

/** Cookies are bound to the repository and its incarnation. */
function sealOf({ repository, bag, context }: Round): CookieSeal {
  return { key: context.cookieKey, scope: `${String(repository)}\0${bag.state.incarnation}` };
}

/**
 * The first page pins what is published now. A later one goes on in the state that the cookie names; if that is gone, too old,
 * or not named at all, the clone begins again: clients drop what they have already.
 */
async function placeOf(
  { repository, bag, context }: Round,
  { position = 1 }: CloneCard,
  cookie: string | undefined,
  seal: CookieSeal,
): Promise<PagePlace> {
  const now = Math.floor(context.clock.now() / 1000);
  const start: PagePlace = { pinned: bag, since: now, from: 0 };
  if (position <= 1) return start;
  const pin = readClonePin(cookie, seal);
  // Without any cookie there is nothing to begin again for: a client that keeps none would begin for ever.
  if (cookie === undefined) return { ...start, from: position - 1 };
  if (pin === undefined || now - pin.since > context.limits.pinMilliseconds / 1000) return start;
  const pinned = pin.digest === bag.digest ? bag : await repository.pinned(pin.digest);
  return pinned === undefined ? start : { pinned, since: pin.since, from: position - 1 };
}

/** Whether everybody gets the same page: it shows what is public, as it is stored, and nothing was shunned since. */
function isForEverybody({ bag, reply, grants }: Round, pinned: Bag, version: number): boolean {
  if (grants.withPrivate || version < COMPRESSED_FROM || reply.isFull) return false;
  if (pinned === bag) return true;
  const { shunned } = pinned.state;
  return shunned.length === bag.state.shunned.length && shunned.every((name) => bag.isShunned(name));
}

/** Adds cards as they are for everybody. @returns as {@link addEntries} */
async function addCards(round: Round, pinned: Bag, from: number): Promise<number> {
  const { reply, context } = round;
  let next = from;
  while (next < pinned.count && !(reply.filesSent > 0 && reply.isFull)) {
    const large = pinned.largeAt(next, false);
    if (large !== undefined) {
      await addLarge(round, pinned, large, COMPRESSED_FROM);
      next++;
      continue;
    }
    const most = Math.max(1, Math.min(RUN_BYTES, reply.room));
    const cards = await fileCards(pinned, next, most);
    reply.addWritten(cards);
    next = cards.next;
    context.signal?.throwIfAborted();
  }
  return next;
}

/** @returns the ordinal of the first entry that the page does not have */
async function addEntries(
  round: Round,
  pinned: Bag,
  { from, version, isSmall }: { readonly from: number; readonly version: number; readonly isSmall: boolean },
): Promise<number> {
  const { bag, reply, grants, context } = round;
  let next = from;
  while (next < pinned.count) {
    const options = { privateArtifacts: grants.withPrivate };
    const run = await pinned.storedRun(next, Math.min(RUN_BYTES, reply.room), options);
    for (const { entry, payload } of run.artifacts) {
      next = entry.ordinal + 1;
      // Artifacts that were shunned since then are left out of the pinned state.
      if (!isVisible(bag, current(bag, pinned, entry), grants.withPrivate)) continue;
      await addEntry(round, pinned, entry, payload, version);
      if (isSmall || reply.isFull) return next;
    }
    context.signal?.throwIfAborted();
    next = run.next;
    if (reply.filesSent > 0 && reply.isFull) return next;
    const large = pinned.largeAt(next, grants.withPrivate);
    if (large === undefined) continue;
    next++;
    if (!isVisible(bag, current(bag, pinned, large), grants.withPrivate)) continue;
    await addLarge(round, pinned, large, version);
    if (isSmall || reply.isFull) return next;
  }
  return next;
}

/** Adds an artifact that is too large for memory. */
async function addLarge(round: Round, pinned: Bag, entry: BagEntry, version: number): Promise<void> {
  const reading = round.reply.hold(new BagReading(pinned));
  await addEntry(round, pinned, entry, await reading.stored(entry), version);
}

/** The entry as it is published now: private artifacts may have become public. */
function current(bag: Bag, pinned: Bag, entry: BagEntry): BagEntry {
  // Most clones are of what is published: then nothing needs to be looked up again.
  if (bag.digest === pinned.digest) return entry;
  return bag.find(entry.name) ?? entry;
}

async function addEntry(
  { bag, reply, grants }: Round,
  pinned: Bag,
  entry: BagEntry,
  payload: Bytes,
  version: number,
): Promise<void> {
  const { name, size } = entry;
  const { isPrivate } = current(bag, pinned, entry);
  // Readers who may see an artifact may also see the source that the bag names.
  if (bag.digest === pinned.digest && version >= COMPRESSED_FROM) {
    reply.add({ card: 'cfile', payload, isPrivate, ...namesOf(entry) });
    return;
  }
  const isSmall = size <= LARGE_CONTENT && !(payload instanceof FileBytes);
  const large = isSmall ? undefined : reply.hold(new BagReading(pinned));
  const source = entry.source === undefined ? undefined : pinned.find(entry.source);
  const hasSource =
    source !== undefined && isVisible(bag, current(bag, pinned, source), grants.withPrivate && isPrivate);
  if (entry.source !== undefined && !hasSource) {
    // The delta is useless to a reader who may not see its source.
    if (version < COMPRESSED_FROM) {
      reply.add({ card: 'file', name, payload: await (large ?? pinned).content(name), isPrivate });
      return;
    }
    const whole =
      large === undefined
        ? deflatePayload(await pinned.content(name))
        : await large.deflated(await large.content(name));
    reply.add({ card: 'cfile', name, size, payload: whole, isPrivate });
    return;
  }
  const against = source === undefined ? {} : { source: source.name };
  if (version >= COMPRESSED_FROM) {
    reply.add({ card: 'cfile', name, ...against, size, payload, isPrivate });
  } else {
    reply.add({
      card: 'file',
      name,
      ...against,
      payload:
        large === undefined
          ? inflatePayload(await inMemory(payload), Number.MAX_SAFE_INTEGER)
          : await large.inflated(payload),
      isPrivate,
    });
  }
}

function namesOf({ name, source, size }: BagEntry) {
  return source === undefined ? { name, size } : { name, source, size };
}
