import type { PlannedRef } from '../plan/plan.ts';
import type { SourceListing } from '../remote/source.ts';
import type { TargetListing } from '../remote/target.ts';
import type { RefResult } from './push-refs.ts';

/**
 * How a run ended.
 * - `ok`: the target is as it was to become; with `bestEffort`, but for refs that it refused
 * - `blocked`: a ref cannot be changed as asked, and nothing was sent
 * - `partial`: some refs were changed, others were not
 * - `moved`: somebody else has changed a ref of the target, or the source went on changing
 * - `configuration`: what was asked for is not possible
 * - `transport`: a remote was not reached, refused, broke off, or answered what cannot be understood
 * - `interrupted`: it was stopped
 */
export type Outcome = 'ok' | 'blocked' | 'partial' | 'moved' | 'configuration' | 'transport' | 'interrupted';

/** A planned change, and what became of it: undefined when it was not tried. */
export interface MirroredRef extends PlannedRef {
  readonly result?: RefResult;
}

export interface MirrorResult {
  readonly outcome: Outcome;
  /** Why, in words; undefined when all is well. */
  readonly problem: string | undefined;
  /** What was thrown, if that is how it ended: for those who tell errors apart. */
  readonly error?: unknown;
  readonly refs: readonly MirroredRef[];
  /** The branch of the source's HEAD. */
  readonly sourceHead: string | undefined;
  /** What was listed at the beginning; undefined when a remote was not reached. */
  readonly source: SourceListing | undefined;
  readonly target: TargetListing | undefined;
  /** How often the plan was made, because the source had changed. */
  readonly attempts: number;
  /** Packs that were sent to the target, whether or not it took them. */
  readonly packs: number;
}

export interface Counts {
  readonly applied: number;
  readonly deleted: number;
  readonly skipped: number;
  readonly blocked: number;
  readonly refused: number;
  readonly moved: number;
  /** Changes that were planned and not tried. */
  readonly pending: number;
}

/** How many refs of a result ended how. */
export function countsOf(refs: readonly MirroredRef[]): Counts {
  const count = (test: (ref: MirroredRef) => boolean) => refs.filter(test).length;
  const isChange = ({ action }: MirroredRef) => action !== 'skip' && action !== 'block';
  return {
    applied: count((ref) => ref.result?.outcome === 'applied' && ref.action !== 'delete'),
    deleted: count((ref) => ref.result?.outcome === 'applied' && ref.action === 'delete'),
    skipped: count((ref) => ref.action === 'skip'),
    blocked: count((ref) => ref.action === 'block'),
    refused: count((ref) => ref.result?.outcome === 'refused'),
    moved: count((ref) => ref.result?.outcome === 'moved'),
    pending: count((ref) => isChange(ref) && ref.result === undefined),
  };
}
