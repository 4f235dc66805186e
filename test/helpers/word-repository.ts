/**
 * A kind of repository for tests alone: a bag of words, of which none ever leaves. Concurrent additions merge by union, as
 * artifacts of Fossil do. It shows what a kind has to bring, and that publishing is not bound to git.
 */
import { z } from 'zod';
import { sha256 } from '../../src/lib/digest.ts';
import { CairnError } from '../../src/lib/errors.ts';
import { history } from '../../src/maintenance/history.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import { ArtifactStore } from '../../src/repository/artifact-store.ts';
import type { Change, Evaluation } from '../../src/repository/change.ts';
import {
  type ArtifactRef,
  type Cause,
  type ChainLink,
  type RepositoryState,
  UNANNOUNCED,
} from '../../src/repository/manifest.ts';
import {
  artifact,
  causeMembers,
  commonMembers,
  commonProblem,
  manifestBytes,
  readManifest,
  schemaProblem,
} from '../../src/repository/manifest-codec.ts';
import type { ManifestBytes, ManifestFormat } from '../../src/repository/manifest-format.ts';
import { ManifestStore } from '../../src/repository/manifest-store.ts';
import type { PublishObserver } from '../../src/repository/publisher.ts';
import { Repository } from '../../src/repository/repository.ts';
import { type RepositoryId, repositoryId } from '../../src/repository/repository-id.ts';
import type { RepositoryKind } from '../../src/repository/repository-kind.ts';
import { FaultyStore } from './faulty-store.ts';
import { InstantClock } from './instant-clock.ts';
import { SeededRandom } from './seeded-random.ts';

export interface WordState extends RepositoryState {
  /** Each word with the artifact that holds it. */
  readonly words: ReadonlyMap<string, ArtifactRef>;
}

export interface WordCause extends Cause {
  readonly added: readonly string[];
}

export interface WordManifest extends WordState, ChainLink<WordCause> {
  readonly version: 1;
}

const frame = z.strictObject({
  ...commonMembers,
  version: z.literal(1),
  kind: z.literal('words'),
  words: z.record(z.string(), artifact),
  causes: z.array(z.strictObject({ ...causeMembers, added: z.array(z.string()) })),
});

const format: ManifestFormat<WordManifest> = {
  async encode(manifest): Promise<ManifestBytes<WordManifest>> {
    const { words, lifecycle, ...rest } = manifest;
    const stored = { ...rest, kind: 'words', state: lifecycle, words: Object.fromEntries(words) };
    const problem = schemaProblem(frame, stored) ?? commonProblem(manifest);
    if (problem !== undefined) throw new CairnError('invalid', `the new manifest is not valid: ${problem}`);
    return { manifest, bytes: manifestBytes(stored, 'too many words') };
  },
  decode(_id, bytes, name) {
    const { members, corrupt, mustBeCanonical } = readManifest(bytes, name, { kind: 'words', versions: [1] });
    const problem = schemaProblem(frame, members);
    if (problem !== undefined) throw corrupt(problem);
    const { kind: _kind, state: lifecycle, words, ...rest } = members as z.infer<typeof frame>;
    mustBeCanonical();
    return { ...rest, lifecycle, words: new Map(Object.entries(words)) } as WordManifest;
  },
};

export const wordKind: RepositoryKind<WordManifest> = {
  name: 'words',
  compose: (state, link) => ({ version: 1, ...state, ...link }),
  invariants: [
    [
      'no word leaves',
      (next, parent) => [...(parent?.manifest.words.keys() ?? [])].every((word) => next.words.has(word)),
    ],
  ],
  isSame: (next, current) =>
    next.lifecycle === current.lifecycle &&
    next.words.size === current.words.size &&
    [...next.words.keys()].every((word) => current.words.has(word)),
  isToldInReceipt: ({ added }) => added.length > 0,
  artifacts: ({ words }) => [...words.values()].map((ref) => ({ kind: 'pack', ref })),
  format: () => format,
};

/** Adds words. On whatever it meets, it adds those that are not there: nothing is ever refused for a race. */
export class AddWords implements Change<WordManifest, number> {
  readonly since: number;
  evaluations = 0;
  private readonly words: ReadonlyMap<string, ArtifactRef>;

  constructor(words: ReadonlyMap<string, ArtifactRef>, since = 0) {
    this.words = words;
    this.since = since;
  }

  /** Its result is the number of words it adds. */
  async evaluate(current: WordState | undefined): Promise<Evaluation<WordManifest, number>> {
    this.evaluations++;
    const state = current ?? emptyWords();
    const added = [...this.words.keys()].filter((word) => !state.words.has(word));
    if (added.length === 0) return { result: 0 };
    return {
      next: { ...state, words: new Map([...state.words, ...this.words]) },
      cause: { kind: 'push', actor: null, evidence: null, added },
      result: added.length,
    };
  }
}

export const WORDS_ID: RepositoryId = repositoryId('a'.repeat(64), 'words');

export function emptyWords(): WordState {
  const { identifier } = WORDS_ID;
  return {
    identifier,
    lifecycle: 'live',
    incarnation: '1'.repeat(32),
    policy: UNANNOUNCED,
    words: new Map(),
  };
}

/** One server with a repository of words, over a store that may be shared and may fail. */
export class WordServer {
  readonly store: FaultyStore;
  readonly clock = new InstantClock();
  readonly artifacts: ArtifactStore;
  readonly manifests: ManifestStore<WordManifest>;
  readonly repository: Repository<WordManifest>;

  constructor(
    store: FaultyStore = new FaultyStore(new MemoryObjectStore()),
    options: { readonly seed?: number; readonly publishObserver?: PublishObserver } = {},
  ) {
    const { seed = 1, ...observing } = options;
    const { clock } = this;
    const random = new SeededRandom(seed);
    this.store = store;
    this.artifacts = new ArtifactStore({ stores: { control: store, bulk: store }, clock, random });
    this.manifests = new ManifestStore(this.artifacts, wordKind);
    this.repository = new Repository(WORDS_ID, {
      control: store,
      manifests: this.manifests,
      clock,
      random,
      swapPatience: 1_000,
      ...observing,
    });
  }

  /** Stores words, each in an artifact of its own, as a push does before it joins the publisher. */
  async prepare(...words: readonly string[]): Promise<AddWords> {
    const since = this.repository.mark();
    const stored = new Map<string, ArtifactRef>();
    for (const word of words) {
      const bytes = Buffer.from(word);
      stored.set(word, await this.artifacts.put(WORDS_ID, 'pack', sha256(bytes), bytes));
    }
    return new AddWords(stored, since);
  }

  /** @returns how many of the words were not there */
  async add(...words: readonly string[]): Promise<number> {
    return (await this.repository.publisher.join(await this.prepare(...words))).result;
  }

  /** Another server over the same store, which has seen nothing yet. */
  another(seed: number): WordServer {
    return new WordServer(this.store, { seed });
  }

  /** Every manifest, oldest first. */
  async chain(): Promise<WordManifest[]> {
    const chain: WordManifest[] = [];
    const tip = await this.repository.resolve();
    if (tip === undefined) return chain;
    for await (const { manifest } of history(this.repository, tip)) chain.unshift(manifest);
    return chain;
  }
}
