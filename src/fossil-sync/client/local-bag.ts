import type { ArtifactName } from '../../fossil/artifact-name.ts';
import type { UnversionedFile } from '../../fossil/unversioned.ts';
import type { Received } from '../../repository/fossil/prepared-artifacts.ts';

/** An artifact that is held. */
export interface HeldArtifact {
  readonly name: ArtifactName;
  /** The source of its stored delta; undefined if it is stored whole. */
  readonly source?: ArtifactName;
  /** Bytes of the content. */
  readonly size: number;
  readonly isPrivate: boolean;
  /** Its position. */
  readonly ordinal: number;
}

/** What one side holds at one time. The bag of a repository is one. */
export interface HeldArtifacts {
  /** Artifacts have the positions from 0 to below it. */
  readonly count: number;
  at(ordinal: number): HeldArtifact;
  find(name: ArtifactName): HeldArtifact | undefined;
  /** Whether it must never travel. */
  isShunned(name: ArtifactName): boolean;
  /** Whether a delta of it is here, whose source is not. */
  isWaiting(name: ArtifactName): boolean;
  /** How many deltas are here whose source is not. */
  readonly waitingCount: number;
  /** Sources of waiting deltas and members of clusters that are not here. @param limit how many at most */
  wanted(limit: number): readonly ArtifactName[];
  /** Public artifacts that no cluster names. */
  unclustered(): Iterable<HeldArtifact>;
  /** Public clusters. */
  clusters(): Iterable<HeldArtifact>;
  /** A payload as it is stored: four bytes of size, and zlib. */
  stored(artifact: HeldArtifact): Promise<Uint8Array>;
  /** A whole content, verified. */
  content(name: ArtifactName): Promise<Uint8Array>;
  /** Unversioned files by name, deleted ones included. */
  unversioned(): Promise<ReadonlyMap<string, UnversionedFile>>;
  unversionedContent(hash: ArtifactName): Promise<Uint8Array>;
}

/** How much of what came was new. */
export interface TakenArtifacts {
  /** Artifacts that are here now and were not before. Of those that came earlier, deltas that have waited are among them. */
  readonly artifacts: number;
  /** Deltas that begin to wait for their source. */
  readonly waiting: number;
  readonly unversioned: number;
}

/** The local artifacts of a client. */
export interface LocalBag {
  /** 40 hex digits: both sides must have the same. */
  readonly projectCode: string;
  /** The current artifacts; another object after each {@link take}. */
  readonly held: HeldArtifacts;
  /**
   * Verifies every artifact against its name and stores all of them, or nothing. Deltas whose source is not here are kept.
   * @throws CairnError `invalid` or `too-large`, naming the artifact at fault; `unavailable` if it cannot be stored
   */
  take(received: Received): Promise<TakenArtifacts>;
}

/** What a clone has learned of a project. */
export interface ClonedProject {
  readonly projectCode: string;
  /** Empty if the server does not tell it. */
  readonly projectName: string;
  /** Fossil's setting `hash-policy`; undefined if the server does not tell it. */
  readonly hashPolicy: string | undefined;
}

/** A new bag that is invisible until it is committed. If it is never committed, it stays invisible. */
export interface DraftBag extends LocalBag {
  /** @throws CairnError `conflict` if there is something of this name by now */
  commit(project: ClonedProject): Promise<void>;
}

/** Where a clone goes. */
export interface CloneTarget {
  /** @throws CairnError `conflict` if there is something of this name already */
  begin(projectCode: string): Promise<DraftBag>;
}
