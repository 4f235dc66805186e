import { type ArtifactName, isNameOf } from '../../fossil/artifact-name.ts';
import { parseCluster } from '../../fossil/cluster.ts';
import { deflatePayload, inflatePayload } from '../../fossil/compression.ts';
import { applyDelta } from '../../fossil/delta.ts';
import {
  compareUnversioned,
  isUnversionedName,
  isUnversionedTime,
  type UnversionedFile,
} from '../../fossil/unversioned.ts';
import { CairnError, messageOf } from '../../lib/errors.ts';
import type { Received, ReceivedArtifact } from '../../repository/fossil/prepared-artifacts.ts';
import type {
  ClonedProject,
  CloneTarget,
  DraftBag,
  HeldArtifact,
  HeldArtifacts,
  LocalBag,
  TakenArtifacts,
} from './local-bag.ts';

/** Largest content that is taken in, in bytes. */
const LARGEST = 128 * 2 ** 20;

interface Entry extends HeldArtifact {
  readonly content: Uint8Array;
}

/** A bag in memory, for tests and for programs that look at a project once. It keeps contents whole. */
export class MemoryBag implements LocalBag, HeldArtifacts {
  readonly projectCode: string;
  private readonly entries: Entry[] = [];
  private readonly byName = new Map<ArtifactName, Entry>();
  private readonly waiting = new Map<ArtifactName, ReceivedArtifact>();
  private readonly members = new Set<ArtifactName>();
  private readonly clusterNames = new Set<ArtifactName>();
  private readonly files = new Map<string, UnversionedFile>();
  private readonly contents = new Map<ArtifactName, Uint8Array>();
  private readonly shunned: ReadonlySet<ArtifactName>;

  constructor(projectCode: string, shunned: Iterable<ArtifactName> = []) {
    this.projectCode = projectCode;
    this.shunned = new Set(shunned);
  }

  get held(): HeldArtifacts {
    return this;
  }

  get count(): number {
    return this.entries.length;
  }

  at(ordinal: number): HeldArtifact {
    const entry = this.entries[ordinal];
    if (entry === undefined) throw new RangeError(`no artifact at ${ordinal}`);
    return entry;
  }

  find(name: ArtifactName): HeldArtifact | undefined {
    return this.byName.get(name);
  }

  isShunned(name: ArtifactName): boolean {
    return this.shunned.has(name);
  }

  get waitingCount(): number {
    return this.waiting.size;
  }

  isWaiting(name: ArtifactName): boolean {
    return this.waiting.has(name);
  }

  wanted(limit: number): readonly ArtifactName[] {
    const found = new Set<ArtifactName>();
    const sources = [...this.waiting.values()].flatMap(({ source }) =>
      source === undefined ? [] : [source],
    );
    for (const name of [...sources, ...this.members]) {
      if (found.size >= limit) break;
      if (!this.byName.has(name) && !this.waiting.has(name) && !this.shunned.has(name)) found.add(name);
    }
    return [...found];
  }

  *unclustered(): Generator<HeldArtifact> {
    for (const entry of this.entries) if (!entry.isPrivate && !this.members.has(entry.name)) yield entry;
  }

  *clusters(): Generator<HeldArtifact> {
    for (const entry of this.entries) if (!entry.isPrivate && this.clusterNames.has(entry.name)) yield entry;
  }

  async stored({ name }: HeldArtifact): Promise<Uint8Array> {
    return deflatePayload(await this.content(name));
  }

  async content(name: ArtifactName): Promise<Uint8Array> {
    const entry = this.byName.get(name);
    if (entry === undefined) throw new CairnError('not-found', `there is no artifact ${name}`);
    return entry.content;
  }

  async unversioned(): Promise<ReadonlyMap<string, UnversionedFile>> {
    return this.files;
  }

  async unversionedContent(hash: ArtifactName): Promise<Uint8Array> {
    const content = this.contents.get(hash);
    if (content === undefined) throw new CairnError('not-found', `there is no unversioned content ${hash}`);
    return content;
  }

  async take(received: Received): Promise<TakenArtifacts> {
    const arrival = new Arrival(this.byName, this.waiting);
    for (const artifact of received.artifacts) {
      if (!this.shunned.has(artifact.name)) arrival.add(artifact);
    }
    const made = arrival.resolve();
    const versions = (received.unversioned ?? []).filter((file) => this.isNewer(file));
    for (const { name, content, isPrivate } of made) this.keep(name, content, isPrivate);
    let waiting = 0;
    for (const artifact of arrival.waiting()) {
      if (!this.waiting.has(artifact.name)) waiting++;
      this.waiting.set(artifact.name, artifact);
    }
    for (const { content, ...file } of versions) {
      const { hash } = file;
      if (content !== undefined && hash !== undefined) this.contents.set(hash, content);
      // Of a content that is here, the sender may be wrong.
      const size = hash === undefined ? 0 : (this.contents.get(hash)?.length ?? file.size);
      this.files.set(file.name, { ...file, size });
    }
    return { artifacts: made.length, waiting, unversioned: versions.length };
  }

  /** Adds an artifact of which the name is right. */
  private keep(name: ArtifactName, content: Uint8Array, isPrivate: boolean): void {
    this.waiting.delete(name);
    const known = this.byName.get(name);
    const ordinal = known?.ordinal ?? this.entries.length;
    const entry = { name, content, size: content.length, isPrivate, ordinal };
    this.entries[ordinal] = entry;
    this.byName.set(name, entry);
    const members = parseCluster(content);
    if (members === undefined) return;
    this.clusterNames.add(name);
    for (const member of members) this.members.add(member);
  }

  private isNewer(file: NonNullable<Received['unversioned']>[number]): boolean {
    const { name, hash, size, time, content } = file;
    const isWhole =
      content === undefined || (hash !== undefined && content.length === size && isNameOf(hash, content));
    if (!isUnversionedName(name) || !isUnversionedTime(time) || !isWhole) {
      throw new CairnError(
        'invalid',
        `unversioned file ${JSON.stringify(name)} does not match its hash or size`,
      );
    }
    if (compareUnversioned(this.files.get(name), file) > 2) return false;
    return hash === undefined || content !== undefined || this.contents.has(hash);
  }
}

/** A clone into memory. `bag` is undefined until it is committed. */
export class MemoryCloneTarget implements CloneTarget {
  bag: MemoryBag | undefined;
  project: ClonedProject | undefined;

  async begin(projectCode: string): Promise<DraftBag> {
    const draft = new MemoryBag(projectCode);
    return Object.assign(draft, {
      commit: async (project: ClonedProject) => {
        this.bag = draft;
        this.project = project;
      },
    });
  }
}

interface Made {
  readonly name: ArtifactName;
  readonly content: Uint8Array;
  readonly isPrivate: boolean;
}

/** What came at once, put together with the deltas that have waited. */
class Arrival {
  private readonly known: ReadonlyMap<ArtifactName, Entry>;
  private readonly whole: ReceivedArtifact[] = [];
  private readonly bySource = new Map<ArtifactName, ReceivedArtifact[]>();
  private readonly made = new Map<ArtifactName, Made>();

  constructor(known: ReadonlyMap<ArtifactName, Entry>, waiting: ReadonlyMap<ArtifactName, ReceivedArtifact>) {
    this.known = known;
    for (const artifact of waiting.values()) this.add(artifact);
  }

  add(artifact: ReceivedArtifact): void {
    const { source } = artifact;
    if (source === undefined) this.whole.push(artifact);
    else this.bySource.set(source, [...(this.bySource.get(source) ?? []), artifact]);
  }

  /** Everything that can be made now and was not there before. @throws CairnError naming the artifact at fault */
  resolve(): readonly Made[] {
    for (const artifact of this.whole) this.make(artifact, payloadOf(artifact));
    const ready = [...this.bySource.keys()].filter((name) => this.known.has(name) || this.made.has(name));
    for (let source = ready.pop(); source !== undefined; source = ready.pop()) {
      const deltas = this.bySource.get(source) ?? [];
      this.bySource.delete(source);
      const content = this.made.get(source)?.content ?? this.known.get(source)?.content;
      if (content === undefined) continue;
      for (const artifact of deltas) {
        this.make(
          artifact,
          named(artifact, () => applyDelta(content, payloadOf(artifact), LARGEST)),
        );
        ready.push(artifact.name);
      }
    }
    return [...this.made.values()].filter(({ name, isPrivate }) => {
      const known = this.known.get(name);
      return known === undefined || (known.isPrivate && !isPrivate);
    });
  }

  /** Deltas whose source is still not there. */
  waiting(): readonly ReceivedArtifact[] {
    return [...this.bySource.values()]
      .flat()
      .filter(({ name }) => !this.known.has(name) && !this.made.has(name));
  }

  private make({ name, isPrivate }: ReceivedArtifact, content: Uint8Array): void {
    if (!isNameOf(name, content)) {
      throw new CairnError('invalid', `artifact ${name}: its content does not match its name`);
    }
    const before = this.made.get(name);
    if (before === undefined || before.isPrivate) this.made.set(name, { name, content, isPrivate });
  }
}

function payloadOf(artifact: ReceivedArtifact): Uint8Array {
  if (artifact.form === 'plain') return artifact.payload;
  return named(artifact, () => inflatePayload(artifact.payload, LARGEST));
}

/** Runs work on an artifact; errors name it. */
function named<T>({ name }: ReceivedArtifact, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new CairnError('invalid', `artifact ${name}: ${messageOf(error)}`, { cause: error });
  }
}
