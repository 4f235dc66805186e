/** The words of a conversion: what a caller gives, is told and gets. */
import type { Git } from '../../git-process/git.ts';

/** Where the map of old to new ids is kept as notes: each new commit and tag has its old id as a note. */
export const originNotesRef = 'refs/notes/sha1-origin';

/** A ref and the object it points at. */
export interface ConvertedRef {
  readonly name: string;
  readonly oid: string;
}

export interface ConversionContext {
  readonly git: Git;
  /** A bare SHA-1 repository that has all objects which the refs reach. It must not change during the conversion. */
  readonly gitDir: string;
  /**
   * A folder of this conversion alone, on a disk with room for twice the packs of the repository. It may be missing. What is
   * in it is durable progress: the same conversion in the same folder goes on where the last one stopped. One process at a
   * time uses it, and the caller removes it.
   */
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly observer?: ConversionObserver;
  /** Bounds of what is held in memory; for tests. */
  readonly bounds?: Partial<ConversionBounds>;
}

export interface ConversionBounds {
  /** Bytes of memory for caches of files and trees (default 64 MiB). */
  readonly cacheBytes: number;
  /** Objects written between two points at which progress becomes durable (default 20,000). */
  readonly checkpointObjects: number;
}

export interface ConversionOptions {
  /** The refs to convert, with their SHA-1 ids. */
  readonly refs: Iterable<ConvertedRef>;
  /** The branch that HEAD shall name. If it is not converted: main, else master, else the first branch. */
  readonly head?: string;
  /** Refs that begin with one of these are left out. A prefix that leaves out branches or tags is refused. */
  readonly excludeRefPrefixes?: readonly string[];
  /** False to leave ids in messages as they are. Default true. */
  readonly rewriteMessages?: boolean;
  /** False to write no notes at {@link originNotesRef}. Default true. */
  readonly originNotes?: boolean;
  /** A file to write `<old id> TAB <new id>` lines to, sorted by old id, for all objects. It is replaced if it exists. */
  readonly mappingFile?: string;
}

/** What a conversion does, in this order. */
export type ConversionStep =
  | 'select'
  | 'survey'
  | 'inspect'
  | 'blobs'
  | 'index blobs'
  | 'trees'
  | 'index trees'
  | 'commits'
  | 'index commits'
  | 'notes'
  | 'refs';

/** Is told how far a conversion is. Its calls must be fast and must not throw. */
export interface ConversionObserver {
  /** @param total number of objects of this step; 0 if it is not known */
  began(step: ConversionStep, total: number): void;
  /** @param done objects so far, those of earlier runs included */
  advanced(step: ConversionStep, done: number): void;
  /** @param bytes what tables, caches and pages hold in memory now; told at each durable point */
  held?(bytes: number): void;
}

export interface ObjectCounts {
  readonly blobs: number;
  readonly trees: number;
  readonly commits: number;
  readonly tags: number;
}

/** A link to a commit of another repository. SHA-256 trees cannot name a SHA-1 commit. */
export interface SubmoduleLink {
  readonly path: string;
  /** A commit of this history whose tree has the link. */
  readonly commit: string;
  /** The commit that it names. */
  readonly target: string;
}

/** What a conversion will do and lose, found out before anything is converted. */
export interface ConversionForecast {
  /** Objects to convert, without those that only notes reach. */
  readonly objects: ObjectCounts;
  /** Signatures of commits, of tags, and signed tags within merges, that will be dropped. */
  readonly signaturesOfCommits: number;
  readonly signaturesOfTags: number;
  readonly mergetags: number;
  /** Ids in messages that will be rewritten (unless they form a circle), and those that fit several commits or tags and stay. */
  readonly mentions: number;
  readonly ambiguousMentions: number;
  /** Messages that are too long to be searched for ids. */
  readonly longMessages: number;
  /** Notes refs. The names of their notes are converted, too. */
  readonly notesRefs: readonly string[];
  /** The first submodule links, at most 20. */
  readonly submodules: readonly SubmoduleLink[];
  /** Folders of all commits together that have submodule links. */
  readonly submoduleTrees: number;
  /** Why the conversion is refused, in words for a person; empty if it is not. */
  readonly refusals: readonly string[];
}

/** What was counted while objects were converted. */
export interface ConversionTally {
  readonly signaturesOfCommits: number;
  readonly signaturesOfTags: number;
  readonly mergetags: number;
  /** Ids in messages that were rewritten. */
  readonly mentions: number;
  /** Ids in messages that fit several commits or tags, and stay as they are. */
  readonly ambiguousMentions: number;
  /** Ids in messages that stay, because each of two commits would have to be converted before the other. */
  readonly circularMentions: number;
}

export const emptyTally: ConversionTally = {
  signaturesOfCommits: 0,
  signaturesOfTags: 0,
  mergetags: 0,
  mentions: 0,
  ambiguousMentions: 0,
  circularMentions: 0,
};

export interface ConvertedPack {
  /** Path without extension. `.pack`, `.idx` and `.rev` are there. */
  readonly stem: string;
  readonly objects: number;
}

export interface ConvertedNotes {
  /** Notes whose object was converted, over all notes refs. */
  readonly converted: number;
  /** Notes of objects that are not in this history. They keep the SHA-1 id as their name. */
  readonly unknown: number;
  /** Submodule links in trees of notes, which are left out. */
  readonly leftOut: number;
}

export interface ConvertedHistory {
  /** A bare SHA-256 repository with the packs, refs and HEAD. */
  readonly gitDir: string;
  /** Its packs, in the order in which each one links only to itself and to those before. */
  readonly packs: readonly ConvertedPack[];
  /** All refs with SHA-256 ids, in byte order of their names, the origin notes included. */
  readonly refs: readonly ConvertedRef[];
  /** The branch of HEAD; undefined if there is no branch. */
  readonly head: string | undefined;
  readonly objects: ObjectCounts;
  readonly tally: ConversionTally;
  readonly notes: ConvertedNotes;
  /** Refs below `refs/replace/` whose name was an id of this history, and is now the new one. */
  readonly renamedRefs: number;
  readonly forecast: ConversionForecast;
}
