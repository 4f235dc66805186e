/** Fossil repositories without a server: artifacts made up by tests, taken in and published through the code of production. */
import { type ArtifactName, type NameAlgorithm, nameOf } from '../../src/fossil/artifact-name.ts';
import { deflatePayload } from '../../src/fossil/compression.ts';
import { createDelta } from '../../src/fossil/create-delta.ts';
import { writeStructuralArtifact } from '../../src/fossil/structural-artifact.ts';
import { fossilize } from '../../src/fossil/tokens.ts';
import type { ScratchFiles } from '../../src/lib/scratch-files.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import type { FossilActor } from '../../src/repository/fossil/add-artifacts.ts';
import type { Bag } from '../../src/repository/fossil/bag.ts';
import { CreateFossil, newFossilState } from '../../src/repository/fossil/create-fossil.ts';
import type { FossilRepository } from '../../src/repository/fossil/fossil-repository.ts';
import { prepareArtifacts } from '../../src/repository/fossil/intake.ts';
import type { IntakeLimits } from '../../src/repository/fossil/intake-limits.ts';
import type { Received, ReceivedArtifact } from '../../src/repository/fossil/prepared-artifacts.ts';
import { type PublishedArtifacts, publishArtifacts } from '../../src/repository/fossil/publish-artifacts.ts';
import { type RepositoryId, repositoryId } from '../../src/repository/repository-id.ts';
import { buildRepositories, type FossilMemory } from '../../src/server/open-repositories.ts';
import { FaultyStore } from './faulty-store.ts';
import { InstantClock } from './instant-clock.ts';
import { SeededRandom } from './seeded-random.ts';

export const FOSSIL_ID: RepositoryId = repositoryId('a'.repeat(64), 'fossil-rig');
export const PUSHED: FossilActor = { kind: 'push', actor: null, evidence: null };

export interface FossilRigOptions {
  readonly store?: FaultyStore;
  readonly seed?: number;
  readonly clock?: InstantClock;
  /** Folder of the cache on disk; without one, packs are read into memory. */
  readonly folder?: string;
  readonly memory?: FossilMemory;
  /** For what is too large for memory; absent: in the folder for temporary files. */
  readonly scratch?: ScratchFiles;
}

/** One server with Fossil repositories, over a store that may be shared and may fail. */
export class FossilRig {
  readonly store: FaultyStore;
  readonly clock: InstantClock;
  readonly repository: FossilRepository;
  private readonly options: FossilRigOptions;
  readonly opened;

  constructor(options: FossilRigOptions = {}) {
    this.options = options;
    const {
      store = new FaultyStore(new MemoryObjectStore()),
      clock = new InstantClock(),
      seed = 1,
    } = options;
    this.store = store;
    this.clock = clock;
    const { folder, memory, scratch } = options;
    this.opened = buildRepositories({
      stores: { control: store, bulk: store },
      clock,
      random: new SeededRandom(seed),
      swapPatience: 10_000,
      ...(folder === undefined ? {} : { cache: { folder, budget: 2 ** 30 } }),
      ...(memory === undefined ? {} : { fossilMemory: memory }),
      ...(scratch === undefined ? {} : { fossilScratch: scratch }),
    });
    this.repository = this.opened.fossil.get(FOSSIL_ID);
  }

  /** Makes the repository. */
  async create(): Promise<this> {
    const state = newFossilState(FOSSIL_ID, '1'.repeat(32), { projectName: 'rig' });
    await this.repository.publisher.join(new CreateFossil(state, this.repository.mark()));
    return this;
  }

  /** The bag of what is published, read from the store. */
  async bag(): Promise<Bag> {
    const published = await this.repository.resolve();
    if (published === undefined) throw new Error('there is no repository');
    return this.repository.bagOf(published);
  }

  /** Takes in and publishes, as one request of a client. */
  async push(
    received: readonly ReceivedArtifact[] | Received,
    limits: Partial<IntakeLimits> = {},
  ): Promise<PublishedArtifacts> {
    await using prepared = await prepareArtifacts(await this.bag(), received, limits);
    return publishArtifacts(this.repository, prepared, PUSHED);
  }

  /** Another server over the same store, which has seen nothing yet. */
  another(seed = 2): FossilRig {
    return new FossilRig({ ...this.options, store: this.store, seed });
  }
}

/** An artifact as a `file` card brings it. */
export function whole(
  content: Uint8Array | string,
  options: { readonly algorithm?: NameAlgorithm; readonly isPrivate?: boolean } = {},
): ReceivedArtifact {
  const bytes = Buffer.from(content);
  const { algorithm = 'sha3-256', isPrivate = false } = options;
  return { name: nameOf(bytes, algorithm), payload: bytes, form: 'plain', isPrivate };
}

/** The same as a `cfile` card brings it. */
export function compressed(artifact: ReceivedArtifact): ReceivedArtifact {
  return {
    ...artifact,
    payload: deflatePayload(artifact.payload),
    form: 'stored',
    size: artifact.payload.length,
  };
}

/** An artifact as a delta of another one. */
export function delta(source: ReceivedArtifact, target: ReceivedArtifact): ReceivedArtifact {
  return { ...target, source: source.name, payload: createDelta(source.payload, target.payload) };
}

/** A cluster of artifacts. */
export function clusterOf(names: readonly ArtifactName[], isPrivate = false): ReceivedArtifact {
  const lines = [...names].sort().map((name) => `M ${name}\n`);
  return whole(writeStructuralArtifact(lines.join('')), { isPrivate });
}

/** A check-in without files. */
export function checkIn(
  comment: string,
  parents: readonly ReceivedArtifact[] = [],
  isPrivate = false,
): ReceivedArtifact {
  const parentLine = parents.length === 0 ? '' : `P ${parents.map(({ name }) => name).join(' ')}\n`;
  return whole(
    writeStructuralArtifact(`C ${fossilize(comment)}\nD 2026-01-01T00:00:00\n${parentLine}U someone\n`),
    {
      isPrivate,
    },
  );
}

/** A check-in with files. @param comment without spaces and backslashes, or written as Fossil writes them in tokens */
export function checkInWith({
  comment,
  files,
  parent,
}: {
  readonly comment: string;
  readonly files: Readonly<Record<string, ReceivedArtifact>>;
  readonly parent?: ReceivedArtifact;
}): ReceivedArtifact {
  const fileLines = Object.entries(files).map(([name, { name: hash }]) => `F ${name} ${hash}\n`);
  const parentLine = parent === undefined ? '' : `P ${parent.name}\n`;
  const lines = `C ${comment}\nD 2026-01-01T00:00:00\n${fileLines.join('')}${parentLine}U someone\n`;
  return whole(writeStructuralArtifact(lines));
}

/** Text of some length that deltas can be made of: lines of numbers. */
export function lines(from: number, count: number): string {
  return Array.from({ length: count }, (_, at) => `line ${from + at} of a text that goes on\n`).join('');
}

/** All names that a bag shows, sorted. */
export function namesOf(bag: Bag): ArtifactName[] {
  return Array.from({ length: bag.count }, (_, ordinal) => bag.at(ordinal).name).sort();
}

/** Bytes of the deltas in a bag that wait for their sources. */
export function waitingBytes(bag: Bag): number {
  return bag.view.waiting.reduce((sum, { length }) => sum + length, 0);
}
