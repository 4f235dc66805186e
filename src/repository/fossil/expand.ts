import type { ArtifactName } from '../../fossil/artifact-name.ts';
import { inflatePayloadAside } from '../../fossil/compression.ts';
import { applyDelta } from '../../fossil/delta.ts';
import { becauseOf, publicError } from '../../lib/errors.ts';
import type { BagState } from './bag-state.ts';
import { NONE } from './bag-table.ts';
import type { ContentCache } from './content-cache.ts';
import { hasName } from './has-name.ts';
import type { PackSession } from './pack-reader.ts';

/** More deltas than any chain has: what is longer is a circle, which no intake stores. */
const LONGEST_CHAIN = 0xffff;

/** Bytes that a stored payload may inflate to; the intake had stricter limits. */
const LARGEST = 0xffff_ffff;

export interface ExpandContext {
  readonly state: BagState;
  readonly session: PackSession;
  /** Names the repository in the cache. */
  readonly repository: string;
  readonly contents: ContentCache | undefined;
}

/**
 * The content of an artifact that is held, shunned ones included: deltas are applied one after another, from the nearest content
 * that is known. Each content on the way is verified against its name before it is kept or used.
 * @throws CairnError `corrupt` naming the artifact whose stored form does not make it; `unavailable`
 */
export async function expand(context: ExpandContext, slot: number): Promise<Uint8Array> {
  const { state, session, repository, contents } = context;
  const { table } = state;
  const chain: number[] = [];
  let content: Uint8Array | undefined;
  for (let at = slot; at !== NONE; at = table.sourceOf(at)) {
    content = contents?.get(repository, table.names.at(at));
    if (content !== undefined) break;
    chain.push(at);
    if (chain.length > LONGEST_CHAIN) throw damaged(table.names.at(slot), 'its deltas are a circle');
  }
  for (const at of chain.reverse()) {
    const name = table.names.at(at);
    const payload = await session.read(placeOf(state, at));
    content = await verifiedContent(name, payload, table.sizeOf(at), content);
    contents?.remember(repository, name, content);
  }
  if (content === undefined) throw damaged(table.names.at(slot), 'it has no record');
  return content;
}

/** Where the payload of a slot is. */
export function placeOf({ table }: BagState, slot: number) {
  return { pack: table.packOf(slot), offset: table.offsetOf(slot), length: table.lengthOf(slot) };
}

/**
 * The content that a payload makes, verified against its name.
 * @param size bytes of the content
 * @param source the content of the source, if the payload is a delta
 * @throws CairnError `corrupt`
 */
export async function verifiedContent(
  name: ArtifactName,
  payload: Uint8Array,
  size: number,
  source?: Uint8Array,
): Promise<Uint8Array> {
  let content: Uint8Array;
  try {
    const inflated = await inflatePayloadAside(payload, source === undefined ? size : LARGEST);
    content = source === undefined ? inflated : applyDelta(source, inflated, size);
  } catch (error) {
    throw becauseOf('corrupt', `the stored form of artifact ${name} is damaged`, error);
  }
  if (!(await hasName(name, content))) throw damaged(name, 'its content does not match its name');
  return content;
}

function damaged(name: ArtifactName, problem: string) {
  return publicError('corrupt', `artifact ${name} is damaged: ${problem}`);
}
