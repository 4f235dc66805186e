/**
 * The intake of a Fossil repository: what a request brought is verified over a bag and made ready to be stored. An artifact
 * becomes visible only if its content was made here and has its name, since stock clients do not check that. If anything is bad,
 * nothing of the request is stored.
 */
import type { ArtifactName } from '../../fossil/artifact-name.ts';
import { cooperate, Yielder } from '../../lib/cooperative.ts';
import { CairnError, isCairnError, messageOf } from '../../lib/errors.ts';
import { type Bytes, FileBytes } from '../../lib/file-bytes.ts';
import { bad, because } from './bad-artifact.ts';
import type { Bag } from './bag.ts';
import { isPublic, isVisible, status } from './bag-state.ts';
import { ContentMaker } from './content-maker.ts';
import { circularDeltas, type Delta, KnownDeltas } from './deltas.ts';
import { ExpiredDeltas } from './expired-deltas.ts';
import { hasName } from './has-name.ts';
import { IntakeContents, inMemoryIfSmall, type Structure, structureOf } from './intake-contents.ts';
import { INTAKE_LIMITS, type IntakeLimits } from './intake-limits.ts';
import { PackBuilder } from './pack-builder.ts';
import { flags, type PackRecord } from './pack-index.ts';
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
import { WAITS_DAYS, WAITS_DAYS_IF_FULL, type WaitingDelta } from './waiting-deltas.ts';

/** Bytes that a delta may be longer than what it makes. A longer one is stored whole: whoever reads it expects little. */
export const DELTA_EXTRA = 1_000;

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
  received: readonly ReceivedArtifact<Bytes>[] | Received<Bytes>,
  limits: Partial<IntakeLimits> = {},
): Promise<PreparedArtifacts> {
  const all: Received<Bytes> = 'artifacts' in received ? received : { artifacts: received };
  await using session = bag.session();
  await using maker = new ContentMaker(bag.context.scratch);
  const builder = new PackBuilder(bag.context.hash, bag.context.scratch);
  try {
    return await new Intake(bag, session, { maker, builder }, { ...INTAKE_LIMITS, ...limits }).take(all);
  } catch (error) {
    await builder[Symbol.asyncDispose]();
    throw error;
  }
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
  private readonly contents: IntakeContents;
  private readonly sources = new Set<ArtifactName>();
  private readonly artifacts: BroughtArtifact[] = [];
  private readonly waiting: BroughtDelta[] = [];
  /** Deltas that have waited and are wrong, or have waited for too long. */
  private readonly wrong: BroughtDelta[] = [];
  private readonly expired: ExpiredDeltas;
  /** Makes the payload of what came as it is. */
  private asPayload = payloadMaker([], INTAKE_LIMITS);
  /** Members of clusters that came, and of those that deltas made that have waited. */
  private members = 0;
  private settledMembers = 0;
  /** Whether it came in a message that is too large for memory: then what others read stays in the cache. */
  private isFromFile = false;

  constructor(
    bag: Bag,
    session: PackSession,
    { maker, builder }: { readonly maker: ContentMaker; readonly builder: PackBuilder },
    limits: IntakeLimits,
  ) {
    this.bag = bag;
    this.session = session;
    this.limits = limits;
    this.builder = builder;
    const { stored } = this;
    this.expired = new ExpiredDeltas(bag);
    this.contents = new IntakeContents({ bag, session, maker, builder, limits, stored });
  }

  async take(received: Received<Bytes>): Promise<PreparedArtifacts> {
    if (received.artifacts.length > this.limits.records) {
      throw new CairnError(
        'too-large',
        `more than ${this.limits.records} artifacts in one request: let the client send less at once (max-upload)`,
      );
    }
    this.asPayload = payloadMaker(received.artifacts, this.limits);
    this.isFromFile = received.artifacts.some(({ payload }) => payload instanceof FileBytes);
    const whole: ReceivedArtifact<Bytes>[] = [];
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
      [Symbol.asyncDispose]: () => this.builder[Symbol.asyncDispose](),
    };
  }

  private note(delta: Delta): void {
    const others = this.deltas.get(delta.source);
    if (others === undefined) this.deltas.set(delta.source, [delta]);
    else others.push(delta);
  }

  private async takeWhole(artifact: ReceivedArtifact<Bytes>): Promise<void> {
    const { name } = artifact;
    const content = await this.contents.whole(artifact);
    if (!(await hasName(name, content))) throw bad(name, 'its content does not match its name');
    await this.store(artifact, content, this.isHere(artifact) ? {} : await structureOf(content));
    await this.follow(name);
  }

  /** Makes all deltas of an artifact, and the deltas of those, depth first: the source was made just before. */
  private async follow(source: ArtifactName): Promise<void> {
    const stack = this.takeDeltas(source);
    for (let delta = stack.pop(); delta !== undefined; delta = stack.pop()) {
      if (!this.contents.hasRoomFor(delta)) continue;
      const made = await this.made(delta);
      if (made === undefined) continue;
      const { content, deltaSize } = made;
      const structure = this.isHere(delta) ? {} : await structureOf(content);
      if (delta.waiting !== undefined && !(await this.maySettle(delta, structure))) continue;
      const kept = deltaSize <= content.length + DELTA_EXTRA ? delta : undefined;
      await this.store(delta, content, structure, kept);
      for (const next of this.takeDeltas(delta.name)) stack.push(next);
    }
  }

  /** The deltas of an artifact, received and waiting ones, when they are asked for first. */
  private takeDeltas(source: ArtifactName): Delta[] {
    // Nothing is remembered of each artifact of a large push that has no deltas.
    if (this.deltas.size === 0 && this.bag.view.waiting.length === 0) return [];
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
  private async made(delta: Delta): Promise<{ content: Bytes; deltaSize: number } | undefined> {
    const { name, source } = delta;
    const from = await this.contents.of(source);
    const bytes = await this.contents.ofDelta(delta);
    let problem = 'its content does not match its name';
    try {
      const content = await this.contents.made(delta, from, bytes);
      if (await hasName(name, content)) {
        if (delta.received?.size !== undefined && delta.received.size !== content.length) {
          throw bad(name, 'its content has another size than declared');
        }
        return { content, deltaSize: bytes.length };
      }
    } catch (error) {
      if (!isCairnError(error, 'invalid') && !isCairnError(error, 'too-large')) throw error;
      if (delta.received !== undefined) throw because(name, error);
      problem = messageOf(error);
    }
    if (delta.received !== undefined) throw bad(name, problem);
    await this.drop(delta);
    return undefined;
  }

  /** Takes a delta that has waited away for good. Its artifact may come again. */
  private async drop({ name, source, isPrivate }: Delta): Promise<void> {
    await this.contents.drop(name);
    this.wrong.push({ name, source, isPrivate });
    await this.builder.add({ name, source, flags: flags.wrong, depth: 0, size: 0 }, new Uint8Array(0));
  }

  /**
   * Whether what a delta made that has waited is stored. One that is a cluster with too many members is dropped: what comes now is not
   * refused for it. If only those of all together are too many, it waits on.
   */
  private async maySettle(delta: Delta, { members = [] }: Structure): Promise<boolean> {
    const { limits } = this;
    if (members.length === 0) return true;
    if (members.length > limits.members || this.bag.view.missingMembers + members.length > limits.missing) {
      await this.drop(delta);
      return false;
    }
    if (this.settledMembers + members.length > limits.members) return false;
    this.settledMembers += members.length;
    return true;
  }

  /** Adds the record of a verified artifact to the pack, unless it is here already. */
  private async store(
    from: Pick<Delta, 'name' | 'isPrivate' | 'waiting'> &
      Partial<Pick<ReceivedArtifact<Bytes>, 'payload' | 'form'>>,
    content: Bytes,
    { members, checkIn }: Structure,
    delta?: Delta,
  ): Promise<void> {
    await this.yielder.next();
    const { name, isPrivate } = from;
    // Whatever is made of it was noted before.
    if (this.deltas.has(name) || this.waitingOf(name).length > 0) this.contents.keep(name, content);
    if (!(content instanceof FileBytes) && !this.isFromFile) {
      this.bag.context.contents?.remember(this.bag.repository, name, content);
    }
    if (this.isHere(from)) return;

    const kept = delta === undefined ? undefined : this.keptDelta(delta);
    // One that begins a branch leaves its parent a leaf of the other branch, as in stock Fossil.
    const links = members ?? (checkIn?.branch === undefined ? checkIn?.parents : []);
    if (from.waiting === undefined) this.countMembers(name, members?.length ?? 0);
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
    if (kept === undefined && sent === undefined) await this.addPlain(record, content);
    else if (kept === undefined) await this.builder.add(record, sent ?? new Uint8Array(0));
    else await this.addDelta(record, kept);
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

  private async addDelta(record: PackRecord, { received, waiting }: Delta): Promise<void> {
    if (received?.form === 'plain') return this.addPlain(record, await inMemoryIfSmall(received.payload));
    const stored = waiting === undefined ? new Uint8Array(0) : await this.session.bytes(waiting);
    await this.builder.add(record, received?.payload ?? stored);
  }

  /** Adds a record whose payload is made of these bytes. */
  private async addPlain(record: PackRecord, bytes: Bytes): Promise<void> {
    if (bytes instanceof FileBytes) await this.builder.addContent(record, bytes);
    else await this.builder.add(record, await this.asPayload(bytes));
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
    const { expired, limits } = this;
    await this.expire(WAITS_DAYS);
    let hasMadeRoom = false;
    let kept = expired.left();
    let [bytes, records] = [0, 0];
    const isTooMuch = () =>
      kept.bytes + bytes > limits.waiting || kept.records + records > limits.waitingRecords;
    const left = [...this.deltas.values()].flat();
    const circular = await cooperate(circularDeltas(left, (name) => this.waitsFor(name)));
    const known = new KnownDeltas();
    for (const waiting of left) {
      if (this.yielder.isDueByNow) await this.yielder.next();
      const { name, source, received, isPrivate } = waiting;
      if (received === undefined || known.has(waiting) || this.isKnown(waiting)) continue;
      if (this.isHere(waiting) || circular.has(name)) continue;
      known.add(waiting);
      const delta = await this.contents.ofDelta(waiting);
      const size = await this.contents.declaredBy(waiting, delta);
      const before = this.builder.size;
      const bits = flags.waiting | (isPrivate ? flags.private : 0);
      const record = { name, source, flags: bits, depth: expired.today, size };
      if (received.form === 'stored') await this.builder.add(record, received.payload);
      else await this.addPlain(record, delta);
      bytes += this.builder.size - before;
      records++;
      if (isTooMuch() && !hasMadeRoom) {
        hasMadeRoom = true;
        await this.expire(WAITS_DAYS_IF_FULL);
        kept = expired.left();
      }
      if (isTooMuch()) {
        throw new CairnError('too-large', `artifact ${name}: too many deltas wait for their sources`);
      }
      this.waiting.push({ name, source, isPrivate });
    }
  }

  /** Drops the deltas of the bag that have waited for more than so many days. */
  private async expire(days: number): Promise<void> {
    for (const delta of this.expired.expire(days, this.waiting)) {
      if (this.yielder.isDueByNow) await this.yielder.next();
      if (!this.stored.has(delta.name)) await this.drop(delta);
    }
  }

  /** What a delta of an artifact waits for in the bag, if one does. */
  private waitsFor(name: ArtifactName): ArtifactName | undefined {
    const { bag } = this;
    if (!bag.isWaiting(name) || bag.isShunned(name)) return undefined;
    const delta = bag.waiting.making(bag.slotOf(name)).find((each) => !this.expired.has(each));
    return delta === undefined ? undefined : bag.view.table.names.at(delta.source);
  }

  /** Whether the same delta waits in the bag. */
  private isKnown({ name, source, isPrivate }: BroughtDelta): boolean {
    const { bag } = this;
    if (!bag.isWaiting(name)) return false;
    const slots = { slot: bag.slotOf(name), source: bag.slotOf(source) };
    return !this.expired.has(slots) && bag.waiting.has({ ...slots, isPrivate });
  }

  /** Whether an artifact is here, and for as many as it comes for. */
  private isHere({ name, isPrivate }: Pick<Delta, 'name' | 'isPrivate'>): boolean {
    const bits = this.bag.bitsOf(this.bag.slotOf(name));
    const stored = this.stored.get(name);
    if (isPublic(bits) || stored?.isPrivate === false) return true;
    return isPrivate && (isVisible(bits) || stored !== undefined);
  }
}
