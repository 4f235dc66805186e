/** When a mirror runs next. Pure: dates and chance come in. */
import type { ErrorKind } from '../../lib/errors.ts';
import type { KeptMirror } from '../../repository/records/mirrors-record.ts';

/** Seconds after a first failure. Each further one doubles it. */
const FIRST_RETRY = 30;
/** The same where a person has to change something first. */
const FIRST_LASTING_RETRY = 15 * 60;
/** Longest pause after failures, in seconds, or the interval of the mirror if that is longer. */
const LONGEST_RETRY = 3_600;
const LONGEST_LASTING_RETRY = 24 * 3_600;

/** How much chance adds to an interval, and to the pause after a failure, at most: parts of it. */
const SPREAD = 0.1;
const RETRY_SPREAD = 0.25;
/** Seconds by which the clocks of two servers may differ. Object stores refuse requests that are a quarter of an hour off. */
const CLOCK_DIFFERENCE = 3_600;

/** Errors that the next try meets again, unless somebody does something about them. */
const LASTING: ReadonlySet<ErrorKind> = new Set([
  'not-found',
  'unauthenticated',
  'forbidden',
  'invalid',
  'too-large',
]);

/**
 * Seconds between a run that succeeded and the next one: the interval, a tenth more or less, so that mirrors that were
 * added together do not run together for ever.
 * @param fraction random, in [0, 1)
 */
export function nextInterval(every: number, fraction: number): number {
  return Math.max(1, Math.round(every * (1 - SPREAD + 2 * SPREAD * fraction)));
}

/**
 * Seconds between a run that failed and the next try.
 * @param failures how many have failed in a row, this one included
 * @param kind of the error
 * @param fraction random, in [0, 1)
 */
export function retryAfter(every: number, failures: number, kind: ErrorKind, fraction: number): number {
  const lasting = LASTING.has(kind);
  const [first, longest] = lasting
    ? [FIRST_LASTING_RETRY, LONGEST_LASTING_RETRY]
    : [FIRST_RETRY, LONGEST_RETRY];
  // Beyond 2^16 the longest pause is reached in any case.
  const pause = Math.min(Math.max(longest, every), first * 2 ** Math.min(16, failures - 1));
  return Math.max(1, Math.round(pause * (1 - RETRY_SPREAD + 2 * RETRY_SPREAD * fraction)));
}

/**
 * When a mirror runs next, in seconds: the date in its record. But a date that no run sets, because it is too far away, comes from a server
 * whose clock was wrong: then the mirror is due now, and not when that date has come.
 * @param now seconds
 */
export function dueAt(mirror: Pick<KeptMirror, 'every' | 'progress'>, now: number): number {
  const { due } = mirror.progress;
  return isTooFar(due, mirror, now) ? now : due;
}

/** True for a date that a run of a mirror cannot have set by a right clock. @param now seconds */
export function isTooFar(
  due: number,
  { every, progress: { failures } }: Pick<KeptMirror, 'every' | 'progress'>,
  now: number,
): boolean {
  const afterFailure = Math.max(LONGEST_LASTING_RETRY, every) * (1 + RETRY_SPREAD);
  const longest = failures === 0 ? every * (1 + SPREAD) : afterFailure;
  return due > now + longest + CLOCK_DIFFERENCE;
}

/** Something that is due, or running. */
export interface Candidate {
  /** Names the owner of the repository. */
  readonly owner: string;
  /** Names the repository. */
  readonly repository: string;
  /** When it is due: milliseconds. */
  readonly due: number;
}

/** What the choice depends on beside the candidates. */
export interface Turns {
  /** How many mirrors of one owner may run at once. */
  readonly most: number;
  /** How many mirrors of an owner run. */
  running(owner: string): number;
  /** When a mirror of an owner, or of a repository, was last started: the number of that start; 0 when none was. */
  lastStarted(ownerOrRepository: string): number;
}

/**
 * The mirror that runs next: of the owner with the fewest running, then of the one whose last turn is longest ago, then
 * of the repository of which that is true, then the one that has been due longest. So an owner with many repositories
 * holds up no other, and neither does a repository with many mirrors.
 * @returns undefined when none is due
 */
export function nextTurn<C extends Candidate>(
  candidates: Iterable<C>,
  now: number,
  turns: Turns,
): C | undefined {
  let best: C | undefined;
  for (const candidate of candidates) {
    if (candidate.due > now || turns.running(candidate.owner) >= turns.most) continue;
    if (best === undefined || comesFirst(candidate, best, turns)) best = candidate;
  }
  return best;
}

function comesFirst(a: Candidate, b: Candidate, turns: Turns): boolean {
  const order =
    turns.running(a.owner) - turns.running(b.owner) ||
    turns.lastStarted(a.owner) - turns.lastStarted(b.owner) ||
    turns.lastStarted(a.repository) - turns.lastStarted(b.repository) ||
    a.due - b.due;
  return order < 0;
}
