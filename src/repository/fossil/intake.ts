/**
 * The intake of a Fossil repository: what a request brought is verified over a bag and made ready to be stored. An artifact
 * becomes visible only if its content was made here and has its name, since stock clients do not check that. If anything is bad,
 * nothing of the request is stored.
 */
import type { ArtifactName } from '../../fossil/artifact-name.ts';
import { parseCheckIn } from '../../fossil/check-in.ts';
import { parseCluster } from '../../fossil/cluster.ts';
import { inflatePayloadAside } from '../../fossil/compression.ts';
import { applyDelta, deltaOutputSize } from '../../fossil/delta.ts';
import { cooperate, Yielder } from '../../lib/cooperative.ts';
import { CairnError, isCairnError, messageOf } from '../../lib/errors.ts';
import { LruMap } from '../../lib/lru.ts';
import { bad, because } from './bad-artifact.ts';
import type { Bag } from './bag.ts';
import { isPublic, isVisible, status } from './bag-state.ts';
import { circularDeltas, type Delta, KnownDeltas } from './deltas.ts';
import { hasName } from './has-name.ts';
import { INTAKE_LIMITS, type IntakeLimits } from './intake-limits.ts';
import { PackBuilder } from './pack-builder.ts';
import { flags } from './pack-index.ts';
import type { PackSession } from './pack-reader.ts';
import { payloadMaker } from './payload-maker.ts';
import type {
  BroughtArtifact,
  BroughtDelta,
  PreparedArtifacts,
  Received,
  ReceivedArtifact,
} from './prepared-artifacts.ts';
import { takeUnversioned } from './take-unversioned.ts';
import type { WaitingDelta } from './waiting-deltas.ts';

/** Bytes of contents that stay expanded during an intake, as sources of what follows. */
const CONTENTS = 32 << 20;
/** An artifact of this request that has its record in the new pack. */
interface Stored {
  readonly source: ArtifactName | undefined;
  readonly depth: number;
  readonly size: number;
  readonly isPrivate: boolean;
}

/**
 * Verifies artifacts over a bag. Deltas that wait in the bag are verified, too, if their source is here now.
 * @returns what is to be stored; its `pack` is undefined if there is nothing new
 * @throws CairnError `invalid` or `too-large`, naming the artifact at fault; `corrupt` or `unavailable` if the bag cannot be read
 */
export async function prepareArtifacts(
  bag: Bag,
  received: readonly ReceivedArtifact[] | Received,
  limits: Partial<IntakeLimits> = {},
): Promise<PreparedArtifacts> {
  const all: Received = 'artifacts' in received ? received : { artifacts: received };
  await using session = bag.session();
  return await new Intake(bag, session, { ...INTAKE_LIMITS, ...limits }).take(all);
}

class Intake {
  private readonly bag: Bag;
  private readonly session: PackSession;
  private readonly limits: IntakeLimits;
  private readonly builder: PackBuilder;
  private readonly yielder = new Yielder();
  /** Deltas of this request by their source, until that is here. */
  private readonly deltas = new Map<ArtifactName, Delta[]>();
  /** Artifacts whose deltas have been made. */
  private readonly followed = new Set<ArtifactName>();
  private readonly stored = new Map<ArtifactName, Stored>();
  private readonly contents = new LruMap<ArtifactName, Uint8Array>(CONTENTS);
  private readonly sources = new Set<ArtifactName>();
  private readonly artifacts: BroughtArtifact[] = [];
  private readonly waiting: BroughtDelta[] = [];
  private readonly wrong: BroughtDelta[] = [];
  /** Makes the payload of what came as it is. */
  private asPayload = payloadMaker([], INTAKE_LIMITS);
  private expanded = 0;
  private members = 0;

  constructor(bag: Bag, session: PackSession, limits: IntakeLimits) {
    this.bag = bag;
    this.session = session;
    this.limits = limits;
    this.builder = new PackBuilder(bag.context.hash);
  }

  async take(received: Received): Promise<PreparedArtifacts> {
    if (received.artifacts.length > this.limits.records) {
      throw new CairnError('too-large', `more than ${this.limits.records} artifacts in one request`);
    }
    this.asPayload = payloadMaker(received.artifacts, this.limits);
    const whole: ReceivedArtifact[] = [];
    for (const artifact of received.artifacts) {
      const { name, source, isPrivate } = artifact;
      if (this.bag.isShunned(name)) continue;
      if (source === undefined) whole.push(artifact);
      else this.note({ name, source, isPrivate, received: artifact });
    }
    for (const artifact of whole) await this.takeWhole(artifact);
    for (const source of [...this.deltas.keys()]) {
      if (this.isHeld(this.bag.slotOf(source))) await this.follow(source);
    }
    for (const { source } of this.bag.view.waiting) {
      if (this.isHeld(source)) await this.follow(this.bag.view.table.names.at(source));
    }
    await this.keepWaiting();
    const unversioned = await takeUnversioned(
      this.bag,
      received.unversioned ?? [],
      this.builder,
      this.limits,
    );
    const { bag, limits, artifacts, wrong, sources } = this;
    return {
      bag,
      received,
      limits,
      pack: this.builder.isEmpty ? undefined : await this.builder.build(),
      artifacts,
      waiting: this.waiting,
      wrong,
      unversioned: unversioned.files,
      sources,
      contents: unversioned.contents,
    };
  }

  private note(delta: Delta): void {
    const others = this.deltas.get(delta.source);
    if (others === undefined) this.deltas.set(delta.source, [delta]);
    else others.push(delta);
  }

  private async takeWhole(artifact: ReceivedArtifact): Promise<void> {
    const { name } = artifact;
    const content = await this.whole(artifact);
    if (!(await hasName(name, content))) throw bad(name, 'its content does not match its name');
    await this.store(artifact, content);
    await this.follow(name);
  }

  /** Makes all deltas of an artifact, and the deltas of those, depth first: the source was made just before. */
  private async follow(source: ArtifactName): Promise<void> {
    const stack = this.takeDeltas(source);
    for (let delta = stack.pop(); delta !== undefined; delta = stack.pop()) {
      const content = await this.made(delta);
      if (content === undefined) continue;
      await this.store(delta, content, delta);
      for (const next of this.takeDeltas(delta.name)) stack.push(next);
    }
  }

  /** The deltas of an artifact, received and waiting ones, when they are asked for first. */
  private takeDeltas(source: ArtifactName): Delta[] {
    if (this.followed.has(source)) return [];
    this.followed.add(source);
    const deltas = this.deltas.get(source) ?? [];
    this.deltas.delete(source);
    for (const waiting of this.waitingOf(source)) {
      const name = this.bag.view.table.names.at(waiting.slot);
      if (this.bag.isShunned(name)) continue;
      deltas.push({ name, source, isPrivate: waiting.isPrivate, waiting });
    }
    return deltas;
  }

  private waitingOf(source: ArtifactName): readonly WaitingDelta[] {
    const { bag } = this;
    return bag.view.waiting.length === 0 ? [] : bag.waiting.of(bag.slotOf(source));
  }

  private isHeld(slot: number): boolean {
    return (this.bag.bitsOf(slot) & status.held) !== 0;
  }

  /** The content that a delta makes; undefined if it waited in the bag and is wrong. */
  private async made(delta: Delta): Promise<Uint8Array | undefined> {
    const { name, source, isPrivate } = delta;
    const from = await this.contentOf(source);
    const bytes = await this.deltaOf(delta);
    let problem = 'its content does not match its name';
    try {
      const content = applyDelta(from, bytes, this.limits.artifact);
      this.count(name, content.length);
      if (await hasName(name, content)) {
        if (delta.received?.size !== undefined && delta.received.size !== content.length) {
          throw bad(name, 'its content has another size than declared');
        }
        return content;
      }
    } catch (error) {
      if (!isCairnError(error, 'invalid') && !isCairnError(error, 'too-large')) throw error;
      if (delta.received !== undefined) throw because(name, error);
      problem = messageOf(error);
    }
    if (delta.received !== undefined) throw bad(name, problem);
    this.wrong.push({ name, source, isPrivate });
    this.builder.add({ name, source, flags: flags.wrong, depth: 0, size: 0 }, new Uint8Array(0));
    return undefined;
  }

  /** The delta itself, inflated. */
  private async deltaOf({ name, received, waiting }: Delta): Promise<Uint8Array> {
    if (received === undefined) {
      if (waiting === undefined) throw new CairnError('corrupt', `there is no delta of ${name}`);
      return inflatePayloadAside(await this.session.read(waiting), this.limits.artifact);
    }
    return this.inflated(received);
  }

  private async whole(artifact: ReceivedArtifact): Promise<Uint8Array> {
    const content = await this.inflated(artifact);
    if (artifact.size !== undefined && artifact.size !== content.length) {
      throw bad(artifact.name, 'its content has another size than declared');
    }
    return content;
  }

  private async inflated({ name, payload, form }: ReceivedArtifact): Promise<Uint8Array> {
    const { artifact: limit } = this.limits;
    try {
      const content = form === 'stored' ? await inflatePayloadAside(payload, limit) : payload;
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
    if (this.expanded > this.limits.expanded) {
      throw new CairnError(
        'too-large',
        `artifact ${name}: the artifacts of one request expand to more than ${this.limits.expanded} bytes`,
      );
    }
  }

  /** The content of what was verified in this intake, or is in the bag. */
  private async contentOf(name: ArtifactName): Promise<Uint8Array> {
    const chain: ArtifactName[] = [];
    let content: Uint8Array | undefined;
    let at = name;
    for (;;) {
      content = this.contents.get(at);
      if (content !== undefined) break;
      const stored = this.stored.get(at);
      if (stored === undefined) {
        content = await this.bag.expand(this.session, this.bag.slotOf(at));
        this.contents.set(at, content, content.length);
        break;
      }
      chain.push(at);
      if (stored.source === undefined) break;
      at = stored.source;
    }
    for (const next of chain.reverse()) {
      const stored = this.builder.payloadOf(next) ?? new Uint8Array(0);
      const payload = await inflatePayloadAside(stored, this.limits.artifact);
      content = content === undefined ? payload : applyDelta(content, payload, this.limits.artifact);
      this.contents.set(next, content, content.length);
    }
    return content ?? new Uint8Array(0);
  }

  /** Adds the record of a verified artifact to the pack, unless it is here already. */
  private async store(
    from: Pick<Delta, 'name' | 'isPrivate'> & Partial<Pick<ReceivedArtifact, 'payload' | 'form'>>,
    content: Uint8Array,
    delta?: Delta,
  ): Promise<void> {
    await this.yielder.next();
    const { name, isPrivate } = from;
    // Whatever is made of it was noted before.
    if (this.deltas.has(name) || this.waitingOf(name).length > 0) {
      this.contents.set(name, content, content.length);
    }
    this.bag.context.contents?.remember(this.bag.repository, name, content);
    if (this.isHere(from)) return;

    const kept = delta === undefined ? undefined : this.keptDelta(delta);
    const members = parseCluster(content);
    const checkIn = members === undefined ? parseCheckIn(content) : undefined;
    // One that begins a branch leaves its parent a leaf of the other branch, as in stock Fossil.
    const links = members ?? (checkIn?.branch === undefined ? checkIn?.parents : []);
    this.countMembers(name, members?.length ?? 0);
    const bit = members !== undefined ? flags.cluster : checkIn !== undefined ? flags.checkIn : 0;
    const record = {
      name,
      flags: bit | (isPrivate ? flags.private : 0),
      depth: kept?.depth ?? 0,
      size: content.length,
      ...(kept === undefined ? {} : { source: kept.source }),
      ...(links === undefined ? {} : { links }),
    };
    const sent = from.form === 'stored' ? from.payload : undefined;
    const payload =
      kept === undefined ? (sent ?? (await this.asPayload(content))) : await this.deltaPayload(kept);
    this.builder.add(record, payload);
    this.stored.set(name, { source: kept?.source, depth: record.depth, size: record.size, isPrivate });
    this.artifacts.push({ name, isPrivate });
    if (kept !== undefined && !this.stored.has(kept.source)) this.sources.add(kept.source);
  }

  /**
   * Whether a verified delta is stored as it is. Not if its source is not visible to all who see the artifact, or the chain would
   * be too long: then the content is stored whole.
   */
  private keptDelta(delta: Delta): (Delta & { readonly depth: number }) | undefined {
    const { source } = delta;
    const here = this.stored.get(source);
    const slot = this.bag.slotOf(source);
    const bits = this.bag.bitsOf(slot);
    const isSeen = here !== undefined || isVisible(bits);
    const isPrivateSource = here === undefined ? !isPublic(bits) : here.isPrivate;
    if (!isSeen || (isPrivateSource && !delta.isPrivate)) return undefined;
    const depth = 1 + (here?.depth ?? this.bag.view.table.depthOf(slot));
    return depth > this.limits.chain ? undefined : { ...delta, depth };
  }

  private async deltaPayload(delta: Delta): Promise<Uint8Array> {
    const { received, waiting } = delta;
    if (received?.form === 'stored') return received.payload;
    if (received !== undefined) return this.asPayload(received.payload);
    return waiting === undefined ? new Uint8Array(0) : this.session.read(waiting);
  }

  private countMembers(name: ArtifactName, members: number): void {
    this.members += members;
    const { members: limit, missing } = this.limits;
    if (this.members > limit || this.bag.view.missingMembers + members > missing) {
      throw new CairnError('too-large', `artifact ${name}: clusters name too many missing artifacts`);
    }
  }

  /** What is left has no source here: it is kept until the source comes. */
  private async keepWaiting(): Promise<void> {
    let bytes = this.bag.waitingBytes;
    let records = this.bag.view.waiting.length;
    const left = [...this.deltas.values()].flat();
    const circular = await cooperate(circularDeltas(left, (name) => this.waitsFor(name)));
    const known = new KnownDeltas();
    for (const waiting of left) {
      if (this.yielder.isDueByNow) await this.yielder.next();
      const { name, source, received, isPrivate } = waiting;
      if (received === undefined || known.has(waiting) || this.isKnown(waiting)) continue;
      if (this.isHere(waiting) || circular.has(name)) continue;
      known.add(waiting);
      const delta = await this.inflated(received);
      let size: number;
      try {
        size = deltaOutputSize(delta);
        if (size > this.limits.artifact) {
          throw new CairnError(
            'too-large',
            `it expands to ${size} bytes, and ${this.limits.artifact} are allowed`,
          );
        }
      } catch (error) {
        throw because(name, error);
      }
      const payload = received.form === 'stored' ? received.payload : await this.asPayload(delta);
      bytes += payload.length;
      records++;
      if (bytes > this.limits.waiting || records > this.limits.waitingRecords) {
        throw new CairnError('too-large', `artifact ${name}: too many deltas wait for their sources`);
      }
      const bits = flags.waiting | (isPrivate ? flags.private : 0);
      this.builder.add({ name, source, flags: bits, depth: 0, size }, payload);
      this.waiting.push({ name, source, isPrivate });
    }
  }

  /** What a delta of an artifact waits for in the bag, if one does. */
  private waitsFor(name: ArtifactName): ArtifactName | undefined {
    const { bag } = this;
    if (!bag.isWaiting(name) || bag.isShunned(name)) return undefined;
    const [delta] = bag.waiting.making(bag.slotOf(name));
    return delta === undefined ? undefined : bag.view.table.names.at(delta.source);
  }

  /** Whether the same delta waits in the bag. */
  private isKnown({ name, source, isPrivate }: BroughtDelta): boolean {
    const { bag } = this;
    if (!bag.isWaiting(name)) return false;
    return bag.waiting.has({ slot: bag.slotOf(name), source: bag.slotOf(source), isPrivate });
  }

  /** Whether an artifact is here, and for as many as it comes for. */
  private isHere({ name, isPrivate }: Pick<Delta, 'name' | 'isPrivate'>): boolean {
    const bits = this.bag.bitsOf(this.bag.slotOf(name));
    const stored = this.stored.get(name);
    if (isPublic(bits) || stored?.isPrivate === false) return true;
    return isPrivate && (isVisible(bits) || stored !== undefined);
  }
}
