/**
 * Judges what a race shows about a store. All rules follow from one axiom: of several writes predicated on one
 * version at most one succeeds, and every answer is true.
 */
import type { PutMode, VersionToken } from '../object-store.ts';

export type RacerAnswer =
  | { readonly is: 'won'; readonly version: VersionToken }
  | { readonly is: 'lost'; readonly outcome: 'exists' | 'changed' | 'conflict' | 'missing' }
  | { readonly is: 'unanswered'; readonly cause?: string };

/** One writer: its unique body, its first answer, and its answer when it had to ask again. */
export interface Racer {
  readonly body: string;
  readonly first: RacerAnswer;
  second?: RacerAnswer;
}

export interface Stored {
  readonly body: string;
  readonly version: VersionToken;
}

export interface Round {
  readonly mode: PutMode['mode'];
  readonly racers: readonly Racer[];
  /** The object before the race; undefined for a key that did not exist. */
  readonly before: Stored | undefined;
  /** The object after every racer was answered or given up, read over each of the two connections. */
  readonly final: Stored | undefined;
  readonly seenByOther: Stored | undefined;
}

/** `inconclusive`: the store did nothing wrong, but the round shows too little. */
export type RoundVerdict =
  | { readonly is: 'kept' }
  | { readonly is: 'broken' | 'inconclusive'; readonly reason: string };

/** Judges one round of a race. */
export function judgeRound(round: Round): RoundVerdict {
  const broken = brokenPromise(round);
  if (broken !== undefined) return { is: 'broken', reason: broken };
  const answered = round.racers.filter((racer) =>
    answersOf(racer).some(({ is }) => is !== 'unanswered'),
  ).length;
  if (answered < 2) {
    return {
      is: 'inconclusive',
      reason: `${answered} of ${round.racers.length} racers were answered${causeOf(round)}`,
    };
  }
  if (ownerOf(round) === undefined) {
    return { is: 'inconclusive', reason: `no racer won, and not every racer was told why${causeOf(round)}` };
  }
  return { is: 'kept' };
}

function brokenPromise(round: Round): string | undefined {
  const { racers, final, seenByOther, before } = round;
  const count = racers.length;
  const winners = racers.flatMap((racer) => {
    const win = answersOf(racer).find((answer) => answer.is === 'won');
    return win === undefined ? [] : [{ racer, version: win.version }];
  });
  if (winners.length > 1) return `${winners.length} of ${count} racers were told that they won`;
  if (final?.body !== seenByOther?.body || final?.version !== seenByOther?.version) {
    return 'two connections read different objects after the race';
  }
  const wrongly = racers.find((racer) =>
    isRefusedWith(racer, round.mode === 'create' ? 'changed' : 'missing'),
  );
  if (wrongly !== undefined) return `a racer was told "${round.mode === 'create' ? 'changed' : 'missing'}"`;

  const [winner] = winners;
  if (winner !== undefined) {
    if (final?.body !== winner.racer.body)
      return `the object is ${whose(round)} although another racer was told that it won`;
    if (final.version !== winner.version) return 'the winner was told another version than a read gives';
    return undefined;
  }
  const owner = ownerOf(round);
  if (owner !== undefined) {
    return owner.first.is === 'unanswered'
      ? undefined
      : 'the object is that of a racer that was told that it lost';
  }
  if (final?.body !== before?.body) return 'the object is none of the racers’';
  if (racers.some((racer) => isRefusedWith(racer, 'exists') || isRefusedWith(racer, 'changed'))) {
    return 'racers were refused because the object had changed, but it had not';
  }
  return undefined;
}

function answersOf(racer: Racer): readonly RacerAnswer[] {
  return racer.second === undefined ? [racer.first] : [racer.first, racer.second];
}

function isRefusedWith(racer: Racer, outcome: string): boolean {
  return answersOf(racer).some((answer) => answer.is === 'lost' && answer.outcome === outcome);
}

function ownerOf(round: Round): Racer | undefined {
  return round.racers.find((racer) => racer.body === round.final?.body);
}

function whose(round: Round): string {
  const owner = ownerOf(round);
  if (owner !== undefined) return owner.first.is === 'unanswered' ? 'an unanswered racer’s' : 'a loser’s';
  return round.final === undefined ? 'not there' : 'none of the racers’';
}

function causeOf(round: Round): string {
  for (const racer of round.racers) {
    for (const answer of answersOf(racer)) {
      if (answer.is === 'unanswered' && answer.cause !== undefined) return ` (${answer.cause})`;
    }
  }
  return '';
}
