/** A mirror as people see it: without its credential. */
import type { KeptMirror, MirrorProgress } from '../../repository/records/mirrors-record.ts';
import { dueAt } from './schedule.ts';

/**
 * - `new`: it has not run yet
 * - `current`: the last run succeeded
 * - `failing`: the last run failed, and it is tried again
 * - `paused`: a person stopped it
 */
export type MirrorCondition = 'new' | 'current' | 'failing' | 'paused';

export interface MirrorView {
  readonly name: string;
  readonly direction: 'pull' | 'push';
  readonly address: string;
  /** Of a pull mirror. */
  readonly refs?: 'follow' | 'namespace';
  /** Of a push mirror. */
  readonly prune?: boolean;
  /** Seconds. */
  readonly every: number;
  /** The public key that added it; null for an operator. */
  readonly by: string | null;
  readonly condition: MirrorCondition;
  /** Whether a credential is stored. It is never shown. */
  readonly hasCredential: boolean;
  /** When it runs next, in seconds; null while it is paused. */
  readonly due: number | null;
  readonly failures: number;
  readonly lastRun: number | null;
  readonly lastSuccess: number | null;
  readonly lastError: MirrorProgress['lastError'];
  /** Seconds for which one side has been behind the other, as far as is known; null when nothing has been mirrored yet. */
  readonly lag: number | null;
  readonly mirrored: MirrorProgress['mirrored'];
}

export function conditionOf({ paused, progress }: Pick<KeptMirror, 'paused' | 'progress'>): MirrorCondition {
  if (paused) return 'paused';
  if (progress.failures > 0) return 'failing';
  return progress.lastSuccess === null ? 'new' : 'current';
}

/**
 * Seconds for which a mirror has been behind. A push mirror knows since when it has not sent a publish. A pull mirror
 * knows no more than when it last saw its source.
 * @param now seconds
 */
export function lagOf({ direction, progress }: KeptMirror, now: number): number | null {
  const { behindSince, lastSuccess } = progress;
  if (direction === 'push' && behindSince === null) return lastSuccess === null ? null : 0;
  const since = direction === 'push' ? behindSince : lastSuccess;
  return since === null ? null : Math.max(0, now - since);
}

/** @param now seconds */
export function mirrorView(mirror: KeptMirror, now: number): MirrorView {
  const { name, direction, address, every, by, paused, credential, progress } = mirror;
  const { failures, lastRun, lastSuccess, lastError, mirrored } = progress;
  return {
    name,
    direction,
    address,
    ...(mirror.direction === 'pull' ? { refs: mirror.refs } : { prune: mirror.prune }),
    every,
    by,
    condition: conditionOf(mirror),
    hasCredential: credential !== null,
    due: paused ? null : dueAt(mirror, now),
    failures,
    lastRun,
    lastSuccess,
    lastError,
    lag: lagOf(mirror, now),
    mirrored,
  };
}
