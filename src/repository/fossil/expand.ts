import type { ArtifactName } from '../../fossil/artifact-name.ts';
import { becauseOf, isCairnError, publicError } from '../../lib/errors.ts';
import { type Bytes, FileBytes } from '../../lib/file-bytes.ts';
import type { BagState } from './bag-state.ts';
import { NONE } from './bag-table.ts';
import type { ContentCache } from './content-cache.ts';
import type { ContentMaker } from './content-maker.ts';
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
  /** Makes contents. Large ones last until it is disposed of, or has made several others. */
  readonly maker: ContentMaker;
}

/**
 * The content of an artifact that is held, shunned ones included: deltas are applied one after another, from the nearest content
 * that is known. Each content on the way is verified against its name before it is kept or used.
 * @throws CairnError `corrupt` naming the artifact whose stored form does not make it; `unavailable`; `busy` if there is no disk space
 */
export async function expand(context: ExpandContext, slot: number): Promise<Bytes> {
  const { state, session, repository, contents, maker } = context;
  const { table } = state;
  const chain: number[] = [];
  let content: Bytes | undefined;
  for (let at = slot; at !== NONE; at = table.sourceOf(at)) {
    const known = table.names.at(at);
    content = contents?.get(repository, known) ?? maker.get(known);
    if (content !== undefined) break;
    chain.push(at);
    if (chain.length > LONGEST_CHAIN) throw damaged(table.names.at(slot), 'its deltas are a circle');
  }
  for (const at of chain.reverse()) {
    const name = table.names.at(at);
    const payload = await session.bytes(placeOf(state, at));
    content = await verifiedContent(maker, name, payload, table.sizeOf(at), content);
    if (!(content instanceof FileBytes)) contents?.remember(repository, name, content);
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
 * @throws CairnError `corrupt`; `busy` or `unavailable` if there is no disk space
 */
export async function verifiedContent(
  maker: ContentMaker,
  name: ArtifactName,
  payload: Bytes,
  size: number,
  source?: Bytes,
): Promise<Bytes> {
  let content: Bytes;
  try {
    if (source === undefined) content = await maker.inflated(name, payload, size);
    else {
      const delta = await maker.inflated(`delta ${name}`, payload, LARGEST);
      content = await maker.applied(name, source, delta, size);
    }
  } catch (error) {
    // A full disk says nothing about what is stored.
    if (!isCairnError(error, 'invalid') && !isCairnError(error, 'too-large')) throw error;
    throw becauseOf('corrupt', `the stored form of artifact ${name} is damaged`, error);
  }
  if (!(await hasName(name, content))) throw damaged(name, 'its content does not match its name');
  return content;
}

function damaged(name: ArtifactName, problem: string) {
  return publicError('corrupt', `artifact ${name} is damaged: ${problem}`);
}
