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
}

const NONE: readonly WaitingDelta[] = [];

/** Nearly all are alone: a list of one is made when it is asked for. */
type OneOrMore = WaitingDelta | WaitingDelta[];

/** The deltas of one state that wait for their sources, by what they make and by what they are made of. */
export class WaitingDeltas {
  private readonly byName = new Map<number, OneOrMore>();
  private readonly bySource = new Map<number, OneOrMore>();

  constructor(waiting: readonly WaitingDelta[]) {
    for (const delta of waiting) this.add(delta);
  }

  add(delta: WaitingDelta): void {
    append(this.byName, delta.slot, delta);
    append(this.bySource, delta.source, delta);
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
  has({ slot, source, isPrivate }: Pick<WaitingDelta, 'slot' | 'source' | 'isPrivate'>): boolean {
    return this.making(slot).some((delta) => delta.source === source && (!delta.isPrivate || isPrivate));
  }
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
