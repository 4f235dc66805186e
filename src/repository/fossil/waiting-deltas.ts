import type { Clock } from '../../lib/clock.ts';

/**
 * Days for which a delta waits. Its source comes with the next round of the same push, or when an interrupted push is repeated. What
 * never comes must not take the room of other pushes for ever.
 */
export const WAITS_DAYS = 30;
/** The same if there is no room for others. */
export const WAITS_DAYS_IF_FULL = 1;
/** A fold leaves a delta out so many days later than a push does, so that no push counts on one that is about to leave. */
export const FOLD_DAYS_LATER = 1;

/** A delta that waits for its source. */
export interface WaitingDelta {
  readonly slot: number;
  readonly source: number;
  readonly isPrivate: boolean;
  /** Bytes of the content, as the delta declares them. */
  readonly size: number;
  readonly pack: number;
  readonly offset: number;
  readonly length: number;
  /** The day on which it came, see {@link dayOf}; 0 if that is not known. */
  readonly day: number;
}

/** Whole days since the epoch. */
export function dayOf(clock: Pick<Clock, 'now'>): number {
  return Math.floor(clock.now() / 86_400_000);
}

/** Whether a delta has waited for more than so many days. */
export function hasWaited({ day }: Pick<WaitingDelta, 'day'>, days: number, today: number): boolean {
  return day !== 0 && today - day > days;
}

const NONE: readonly WaitingDelta[] = [];

/** Nearly all are alone: a list of one is made when it is asked for. */
type OneOrMore = WaitingDelta | WaitingDelta[];

/** The deltas of one state that wait for their sources, by what they make and by what they are made of. */
export class WaitingDeltas {
  private readonly byName = new Map<number, OneOrMore>();
  private readonly bySource = new Map<number, OneOrMore>();
  private readonly keys = new Set<string>();

  constructor(waiting: readonly WaitingDelta[]) {
    for (const delta of waiting) {
      append(this.byName, delta.slot, delta);
      append(this.bySource, delta.source, delta);
      this.keys.add(waitingKey(delta, delta.isPrivate));
    }
  }

  /** @param slot of the artifact that they make */
  making(slot: number): readonly WaitingDelta[] {
    return listOf(this.byName.get(slot));
  }

  /** @param source slot of the artifact that they are made of */
  of(source: number): readonly WaitingDelta[] {
    return listOf(this.bySource.get(source));
  }

  /** Whether a delta would be no news: one of the same artifact and source waits for at least as many people. */
  has(delta: Pick<WaitingDelta, 'slot' | 'source' | 'isPrivate'>): boolean {
    const { keys } = this;
    return keys.has(waitingKey(delta, false)) || (delta.isPrivate && keys.has(waitingKey(delta, true)));
  }
}

/** What waits in a state. */
export interface WaitingInState {
  readonly waiting: readonly WaitingDelta[];
  /** The same by slots. */
  readonly waitingDeltas: WaitingDeltas;
}

/** Names a delta by what it makes, what it is made of, and for whom. */
export function waitingKey(
  { slot, source }: Pick<WaitingDelta, 'slot' | 'source'>,
  isPrivate: boolean,
): string {
  return `${slot} ${source} ${isPrivate}`;
}

function listOf(found: OneOrMore | undefined): readonly WaitingDelta[] {
  if (found === undefined) return NONE;
  return Array.isArray(found) ? found : [found];
}

function append(map: Map<number, OneOrMore>, slot: number, delta: WaitingDelta): void {
  const others = map.get(slot);
  if (others === undefined) map.set(slot, delta);
  else if (Array.isArray(others)) others.push(delta);
  else map.set(slot, [others, delta]);
}
