import { type WaitingDelta, WaitingDeltas, type WaitingInState, waitingKey } from './waiting-deltas.ts';

/** The deltas that wait in a state that is being made. Each step takes the same time, however many there are. */
export class DraftedDeltas {
  /** In the order in which they came, removed ones included. */
  private readonly all: WaitingDelta[];
  /** Where in the list a delta stands that came since the state before, by `waitingKey`. */
  private readonly added = new Map<string, number>();
  /** How long the list was when all deltas of an artifact and a source were last removed. */
  private readonly removed = new Map<string, number>();
  private readonly before: WaitingInState;

  /** @param before what waits in the state before, which stays as it is */
  constructor({ waiting, waitingDeltas }: WaitingInState) {
    this.before = { waiting, waitingDeltas };
    this.all = [...waiting];
  }

  /** Adds a delta, unless the same waits for at least as many people. */
  add(delta: WaitingDelta): void {
    if (this.has(delta)) return;
    this.added.set(waitingKey(delta, delta.isPrivate), this.all.length);
    this.all.push(delta);
  }

  /** Removes all deltas of an artifact and a source that came up to now. */
  remove(slot: number, source: number): void {
    this.removed.set(pairKey({ slot, source }), this.all.length);
  }

  /** What is left. @param waits tells whether a delta would still bring something */
  left(waits: (delta: WaitingDelta) => boolean): WaitingInState {
    const { before } = this;
    const waiting = this.all.filter((delta, at) => at >= this.removedUpTo(delta) && waits(delta));
    const isSame = this.added.size === 0 && waiting.length === before.waiting.length;
    return isSame ? before : { waiting, waitingDeltas: new WaitingDeltas(waiting) };
  }

  private has(delta: WaitingDelta): boolean {
    const from = this.removedUpTo(delta);
    if (from === 0 && this.before.waitingDeltas.has(delta)) return true;
    const isAdded = (isPrivate: boolean) => (this.added.get(waitingKey(delta, isPrivate)) ?? -1) >= from;
    return isAdded(false) || (delta.isPrivate && isAdded(true));
  }

  /** The first place in the list at which a delta of this artifact and source is not removed. */
  private removedUpTo(delta: WaitingDelta): number {
    return this.removed.size === 0 ? 0 : (this.removed.get(pairKey(delta)) ?? 0);
  }
}

function pairKey({ slot, source }: Pick<WaitingDelta, 'slot' | 'source'>): string {
  return `${slot} ${source}`;
}
