import type { ArtifactName } from '../../fossil/artifact-name.ts';
import { inflatePayload } from '../../fossil/compression.ts';
import { createDelta } from '../../fossil/create-delta.ts';
import { Yielder } from '../../lib/cooperative.ts';
import { type Bytes, FileBytes } from '../../lib/file-bytes.ts';
import type { BagEntry } from '../../repository/fossil/bag.ts';
import { BagReading } from '../../repository/fossil/bag-reading.ts';
import { LARGE_CONTENT } from '../../repository/fossil/content-maker.ts';
import { faultFires } from '../faults.ts';
import { DeltaSources } from './delta-sources.ts';
import { type Round, visibleEntry } from './round.ts';

/** A delta that saves less than this is not worth the source that the client must have, as in stock Fossil. */
const SAVES_AT_LEAST = 50;

/** Smaller contents are sent as they are. */
const SMALLEST_FOR_DELTA = 100;

/**
 * Sends what the client asks for. What does not fit is announced instead, so that the client asks again. Payloads are not
 * compressed, since stock clients take compressed ones for a part of a clone and do not read check-ins in them.
 * @param isLegacyClone the client has nothing yet, so deltas are sent as they are stored
 */
export async function sendArtifacts(round: Round, isLegacyClone: boolean): Promise<void> {
  const { request, reply, context } = round;
  const sent = new Set<ArtifactName>();
  const sources = new DeltaSources(round);
  const yielder = new Yielder();
  for (const { name } of request.gimmes.entries()) {
    if (yielder.isDueByNow) await yielder.next();
    context.signal?.throwIfAborted();
    const entry = visibleEntry(round, name);
    if (entry === undefined || faultFires(context.faults, 'server.ignore-gimme')) continue;
    if (reply.filesSent > 0 && reply.isFull) {
      if (!reply.announce(entry.name, entry.isPrivate)) return;
      continue;
    }
    await sendOne(round, entry, { sources, sent, isLegacyClone });
    // Contents in memory are there at once, so that nothing else hands over the turn.
    await yielder.next();
    sent.add(entry.name);
  }
}

interface Sending {
  readonly sources: DeltaSources;
  readonly sent: ReadonlySet<ArtifactName>;
  readonly isLegacyClone: boolean;
}

async function sendOne(round: Round, entry: BagEntry, sending: Sending): Promise<void> {
  const { bag, reply } = round;
  const { name, isPrivate } = entry;
  const stored = usableSource(round, entry, sending);
  const isLarge = entry.size > LARGE_CONTENT || entry.storedSize > LARGE_CONTENT;
  const large = isLarge ? reply.hold(new BagReading(bag)) : undefined;
  if (stored !== undefined) {
    const payload =
      large === undefined
        ? inflatePayload(await bag.stored(entry), Number.MAX_SAFE_INTEGER)
        : await large.inflated(await large.stored(entry));
    reply.add({ card: 'file', name, source: stored, payload, isPrivate });
    return;
  }
  const content = await (large ?? bag).content(name);
  const delta = await freshDelta(round, entry, content, sending);
  reply.add({ card: 'file', name, payload: content, isPrivate, ...delta });
}

/** The source of a stored delta, if the client has it or gets it in this reply. */
function usableSource(
  round: Round,
  { source, isPrivate }: BagEntry,
  { sent, isLegacyClone }: Sending,
): ArtifactName | undefined {
  if (source === undefined || !mayBeSource(round, source, isPrivate)) return undefined;
  const has = isLegacyClone || sent.has(source) || round.request.known.has(source);
  return has ? source : undefined;
}

async function freshDelta(
  round: Round,
  { name, isPrivate, isCluster }: BagEntry,
  content: Bytes,
  { sources, isLegacyClone }: Sending,
): Promise<{ readonly source: ArtifactName; readonly payload: Uint8Array } | undefined> {
  const { limits } = round.context;
  if (isLegacyClone || isCluster) return undefined;
  if (content instanceof FileBytes || content.length > limits.deltaBytes) return undefined;
  if (content.length < SMALLEST_FOR_DELTA) return undefined;
  const source = await sources.of(name, content);
  if (source === undefined || source === name || !mayBeSource(round, source, isPrivate)) return undefined;
  const { size } = visibleEntry(round, source) ?? { size: Number.POSITIVE_INFINITY };
  if (size > limits.deltaBytes) return undefined;
  const payload = createDelta(await round.bag.content(source), content);
  return payload.length + SAVES_AT_LEAST <= content.length ? { source, payload } : undefined;
}

/** Nothing public is ever sent as a delta of something private. */
function mayBeSource(round: Round, source: ArtifactName, isPrivate: boolean): boolean {
  const entry = visibleEntry(round, source);
  return entry !== undefined && (isPrivate || !entry.isPrivate);
}
