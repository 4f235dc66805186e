import type { TemporaryNames } from '../batches/temporary-names.ts';
import type { ScratchPlace } from '../graph/scratch.ts';
import type { MirrorObserver } from '../observer.ts';
import type { MirrorPolicy } from '../plan/plan.ts';
import type { RefScope } from '../plan/ref-scope.ts';
import type { OpenedTarget } from '../remote/absent-target.ts';
import type { Source } from '../remote/source.ts';

/** Bounds of what is sent. */
export interface MirrorLimits {
  /** Longest pack to take from the source, in bytes; undefined for any. A longer one breaks the run off. */
  readonly maxPackBytes: number | undefined;
  /** Longest body that the target takes, in bytes; undefined when it is not known. Longer packs are sent in batches. */
  readonly targetMaxPackBytes: number | undefined;
  /** Most ref updates in one request to the target. GitHub fails at about 10,000. */
  readonly targetMaxRefUpdates: number;
}

/** The usual bounds. */
export const usualLimits: MirrorLimits = {
  maxPackBytes: undefined,
  targetMaxPackBytes: undefined,
  targetMaxRefUpdates: 5_000,
};

/** What a run counts while it works. */
export interface RunTally {
  /** Packs that were sent to the target, whether or not it took them. */
  packs: number;
}

/** What every part of a run works with. */
export interface MirrorRun {
  readonly source: Source;
  readonly target: OpenedTarget;
  readonly scope: RefScope;
  readonly policy: MirrorPolicy;
  readonly limits: MirrorLimits;
  readonly scratch: ScratchPlace;
  readonly tally: RunTally;
  /** The refs that this run makes for a while. */
  readonly temporary: TemporaryNames;
  readonly observer: MirrorObserver;
  readonly signal: AbortSignal;
}
