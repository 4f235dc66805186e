import type { Random } from '../../lib/random.ts';
import type { GitCause, GitState } from '../../repository/git/git-manifest.ts';
import type { GitRepository } from '../../repository/git/git-repository.ts';
import type { IntakeContext } from '../../repository/intake/intake-context.ts';
import type { MirrorObserver } from '../observer.ts';
import type { MirrorPolicy } from '../plan/plan.ts';
import type { RefScope } from '../plan/ref-scope.ts';
import type { Source } from '../remote/source.ts';
import type { MirrorResult } from '../run/mirror-result.ts';
import type { MirrorLimits } from '../run/mirror-run.ts';

/** What imports work with: the same for all of them. */
export interface ImportContext extends IntakeContext {
  readonly random: Random;
}

/** How much one pack brings. A source with more to send is fetched in pieces, so that an import that is interrupted goes on. */
export interface PieceSizes {
  /** Objects of a pack that is stored while it arrives. */
  readonly most: number;
  /** Objects that each pack is to have when there are several; about, since a commit brings what it brings. */
  readonly each: number;
}

/**
 * git's own history, with 0.4 million objects, is one pack; that of Linux is some twenty. A pack of half a million objects takes this
 * process 45 MB to check (measured).
 */
export const usualPieces: PieceSizes = { most: 1_000_000, each: 500_000 };

export interface ImportRequest {
  readonly repository: GitRepository;
  /** Open; its opener closes it. */
  readonly source: Source;
  readonly scope: RefScope;
  readonly policy: MirrorPolicy;
  /**
   * The folder that refs are put in, for example `refs/mirrors/<name>/`: `refs/heads/main` becomes `<folder>heads/main`, and nothing
   * outside of it changes. Undefined: they keep their names.
   */
  readonly into?: string;
  /** What to do when there is no repository: make one, or fail. */
  readonly create: boolean;
  /** Only plan. */
  readonly dryRun: boolean;
  /** Refs that are blocked do not stop the others. */
  readonly bestEffort: boolean;
  /**
   * Why a ref may not be changed; asked again on each state that the import meets. By default refs that pull mirrors bring are left to
   * them.
   */
  readonly forbids?: (state: GitState, name: string) => string | undefined;
  /** The mirror that imports; undefined when somebody runs it. */
  readonly keeper?: {
    /** What it has brought so far is kept behind refs of its own, which go with it. */
    readonly id: string;
    /** Why it publishes nothing any more, not even a piece; asked on each state that the import meets. */
    readonly problem: (state: GitState) => string | undefined;
  };
  /** The key that asked, for the manifest. */
  readonly cause?: Pick<GitCause, 'actor' | 'evidence'>;
  readonly pieces?: PieceSizes;
  readonly limits: Pick<MirrorLimits, 'maxPackBytes'>;
  readonly observer: MirrorObserver;
  readonly signal: AbortSignal;
}

/** What has been brought in. */
export interface ImportedAmount {
  readonly packs: number;
  readonly objects: number;
  /** Bytes of packs, as the source sent them. */
  readonly bytes: number;
}

/** A published state. */
export interface ImportedState {
  readonly digest: string;
  readonly depth: number;
}

export interface ImportResult extends Omit<MirrorResult, 'target'>, ImportedAmount {
  /** The last publish of this import, but for pieces; undefined when nothing was published. */
  readonly published: ImportedState | undefined;
  /** The state that the import has left, or met when there was nothing to do; undefined when there is no repository. */
  readonly state: ImportedState | undefined;
}
