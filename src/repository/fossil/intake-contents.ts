import type { ArtifactName } from '../../fossil/artifact-name.ts';
import { type CheckIn, parseCheckIn } from '../../fossil/check-in.ts';
import { parseCluster } from '../../fossil/cluster.ts';
import { mayBeStructural } from '../../fossil/structural-artifact.ts';
import { CairnError } from '../../lib/errors.ts';
import { type Bytes, FileBytes, inMemory } from '../../lib/file-bytes.ts';
import { LruMap } from '../../lib/lru.ts';
import { bad, because } from './bad-artifact.ts';
import type { Bag } from './bag.ts';
import { type ContentMaker, declaredByDelta, LARGE_CONTENT } from './content-maker.ts';
import type { Delta } from './deltas.ts';
import type { IntakeLimits } from './intake-limits.ts';
import type { PackBuilder } from './pack-builder.ts';
import type { PackSession } from './pack-reader.ts';
import type { ReceivedArtifact } from './prepared-artifacts.ts';

/** Bytes of contents that stay expanded during an intake, as sources of what follows. */
const CONTENTS = 32 << 20;

/** The key of a large delta while it is applied. */
const DELTA = 'delta';

/** Largest content that is read as a cluster or a check-in: a check-in of some 300,000 files. A larger one is stored as any other. */
const LARGEST_STRUCTURE = 32 << 20;

export interface IntakeContentsOptions {
  readonly bag: Bag;
  readonly session: PackSession;
  readonly maker: ContentMaker;
  /** Has the payloads of what is stored. */
  readonly builder: PackBuilder;
  readonly limits: IntakeLimits;
  /** Artifacts of this intake that have their record in the new pack. */
  readonly stored: ReadonlyMap<ArtifactName, { readonly source: ArtifactName | undefined }>;
}

/** The contents of one intake: of what came, and of what is in the bag already. */
export class IntakeContents {
  private readonly options: IntakeContentsOptions;
  private readonly contents = new LruMap<ArtifactName, Bytes>(CONTENTS);
  /** Bytes that were made of what came, and of deltas that have waited: the first must not be refused for the others. */
  private expanded = 0;
  private settled = 0;

  constructor(options: IntakeContentsOptions) {
    this.options = options;
  }

  /** The delta itself, inflated. */
  async ofDelta({ name, received, waiting }: Delta): Promise<Bytes> {
    const { maker, session, limits } = this.options;
    if (received === undefined) {
      if (waiting === undefined) throw new CairnError('corrupt', `there is no delta of ${name}`);
      return maker.inflated(DELTA, await session.bytes(waiting), limits.artifact);
    }
    return this.inflated(received, DELTA);
  }

  /** What a delta makes of its source. @throws DeltaError; CairnError `too-large` */
  async made({ name, received }: Delta, source: Bytes, delta: Bytes): Promise<Bytes> {
    const { maker, limits } = this.options;
    const content = await maker.applied(name, source, delta, limits.artifact);
    if (received === undefined) this.settled += content.length;
    else this.count(name, content.length);
    return content;
  }

  /** Bytes of the content, as a delta without source declares them. @throws CairnError `invalid` or `too-large`, naming it */
  async declaredBy({ name }: Delta, delta: Bytes): Promise<number> {
    const { artifact: limit } = this.options.limits;
    try {
      const size = await declaredByDelta(delta);
      if (size <= limit) return size;
      throw new CairnError('too-large', `it expands to ${size} bytes, and ${limit} are allowed`);
    } catch (error) {
      throw because(name, error);
    }
  }

  /** Whether a delta that has waited may be made in this intake, too. Otherwise it waits for the next one. */
  hasRoomFor({ waiting }: Delta): boolean {
    return waiting === undefined || this.settled + waiting.size <= this.options.limits.expanded;
  }

  /** Forgets what was made for a name. */
  async drop(name: ArtifactName): Promise<void> {
    this.contents.delete(name);
    await this.options.maker.drop(name);
  }

  /** The content of an artifact that came whole. @throws CairnError `invalid` or `too-large`, naming it */
  async whole(artifact: ReceivedArtifact<Bytes>): Promise<Bytes> {
    const content = await this.inflated(artifact);
    if (artifact.size !== undefined && artifact.size !== content.length) {
      throw bad(artifact.name, 'its content has another size than declared');
    }
    return content;
  }

  /** @param key of what is made */
  private async inflated(
    { name, payload, form }: ReceivedArtifact<Bytes>,
    key: string = name,
  ): Promise<Bytes> {
    const { maker, limits } = this.options;
    const { artifact: limit } = limits;
    try {
      const content =
        form === 'stored' ? await maker.inflated(key, payload, limit) : await inMemoryIfSmall(payload);
      if (content.length > limit) {
        throw new CairnError('too-large', `it has ${content.length} bytes, and ${limit} are allowed`);
      }
      this.count(name, content.length);
      return content;
    } catch (error) {
      throw because(name, error);
    }
  }

  private count(name: ArtifactName, bytes: number): void {
    this.expanded += bytes;
    const { expanded } = this.options.limits;
    if (this.expanded > expanded) {
      throw new CairnError(
        'too-large',
        `artifact ${name}: the artifacts of one request expand to more than ${expanded} bytes`,
      );
    }
  }

  /** The content of what was verified in this intake, or is in the bag. */
  async of(name: ArtifactName): Promise<Bytes> {
    const { bag, session, maker, builder, limits } = this.options;
    const chain: ArtifactName[] = [];
    let content: Bytes | undefined;
    let at = name;
    for (;;) {
      content = this.contents.get(at) ?? maker.get(at);
      if (content !== undefined) break;
      const stored = this.options.stored.get(at);
      if (stored === undefined) {
        content = await bag.expand(session, bag.slotOf(at), maker);
        this.keep(at, content);
        break;
      }
      chain.push(at);
      if (stored.source === undefined) break;
      at = stored.source;
    }
    for (const next of chain.reverse()) {
      const stored = (await builder.payloadOf(next)) ?? new Uint8Array(0);
      const { artifact: limit } = limits;
      if (content === undefined) content = await maker.inflated(next, stored, limit);
      else content = await maker.applied(next, content, await maker.inflated(DELTA, stored, limit), limit);
      this.keep(next, content);
    }
    return content ?? new Uint8Array(0);
  }

  /** Keeps a content as a source of others. Large ones that were made here are kept by their maker. */
  keep(name: ArtifactName, content: Bytes): void {
    if (this.options.maker.get(name) === undefined) {
      this.contents.set(name, content, content instanceof FileBytes ? 0 : content.length);
    }
  }
}

/** Bytes in memory, unless they are too large for it. */
export async function inMemoryIfSmall(bytes: Bytes): Promise<Bytes> {
  return bytes.length > LARGE_CONTENT ? bytes : inMemory(bytes);
}

/** What a content says of other artifacts. */
export interface Structure {
  readonly members?: readonly ArtifactName[];
  readonly checkIn?: CheckIn;
}

/** Reads what a content says of other artifacts. */
export async function structureOf(content: Bytes): Promise<Structure> {
  if (content.length > LARGEST_STRUCTURE) return {};
  if (content instanceof FileBytes && !mayBeStructural(await content.read(0, 1))) return {};
  const bytes = await inMemory(content);
  const members = parseCluster(bytes);
  if (members !== undefined) return { members };
  const checkIn = parseCheckIn(bytes);
  return checkIn === undefined ? {} : { checkIn };
}
