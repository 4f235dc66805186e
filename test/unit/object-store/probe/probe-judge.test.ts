import { describe, expect, it } from 'vitest';
import {
  judgeRound,
  type Racer,
  type RacerAnswer,
  type Stored,
} from '../../../../src/object-store/probe/probe-judge.ts';

const won: RacerAnswer = { is: 'won', version: 'v-new' };
const changed: RacerAnswer = { is: 'lost', outcome: 'changed' };
const conflict: RacerAnswer = { is: 'lost', outcome: 'conflict' };
const missing: RacerAnswer = { is: 'lost', outcome: 'missing' };
const silent: RacerAnswer = { is: 'unanswered' };
const before: Stored = { body: 'before', version: 'v-old' };

type Heard = RacerAnswer | readonly [RacerAnswer, RacerAnswer];

/** Racers named a, b, c … with what they heard; `final` names whose body is stored in the end. */
function judge(heard: readonly Heard[], final: string, version = 'v-new', other = final) {
  const racers: Racer[] = heard.map((each, index) => {
    const body = String.fromCharCode(97 + index);
    return 'is' in each ? { body, first: each } : { body, first: each[0], second: each[1] };
  });
  const stored = { body: final, version: final === 'before' ? 'v-old' : version };
  const seenByOther = { body: other, version: other === 'before' ? 'v-old' : version };
  return judgeRound({ mode: 'replace', racers, before, final: stored, seenByOther });
}

const table: readonly (readonly [string, ReturnType<typeof judge>, 'kept' | 'broken' | 'inconclusive'])[] = [
  ['one winner, the rest refused', judge([won, changed, conflict], 'a'), 'kept'],
  ['one winner, some never answered', judge([won, changed, silent], 'a'), 'kept'],
  ['a winner that was told only when it asked again', judge([[silent, won], changed], 'a'), 'kept'],
  ['an unanswered racer won', judge([[silent, changed], changed], 'a'), 'kept'],
  ['an unanswered racer won and stays unanswered', judge([silent, changed, changed], 'a'), 'kept'],
  [
    'losers heard 500 first and were refused then',
    judge([won, [silent, changed], [silent, changed]], 'a'),
    'kept',
  ],
  ['two winners', judge([won, won, changed], 'a'), 'broken'],
  ['a winner and one who wins on asking again', judge([won, [silent, won]], 'a'), 'broken'],
  ['every racer answered, nobody won', judge([changed, changed], 'before'), 'broken'],
  ['refused although nothing changed', judge([changed, silent], 'before'), 'broken'],
  ['a loser’s body stays', judge([changed, changed], 'a'), 'broken'],
  ['a loser’s body stays over the winner’s', judge([won, changed], 'b'), 'broken'],
  ['an unanswered racer’s body over the winner’s', judge([won, changed, silent], 'c'), 'broken'],
  ['the old body stays although one won', judge([won, changed], 'before'), 'broken'],
  ['a stranger’s body', judge([changed, silent], 'stranger'), 'broken'],
  ['another version than the winner was told', judge([won, changed], 'a', 'v-other'), 'broken'],
  ['connections that disagree', judge([won, changed], 'a', 'v-new', 'before'), 'broken'],
  ['missing although it is there', judge([won, missing], 'a'), 'broken'],
  ['one answer only', judge([won, silent, silent], 'a'), 'inconclusive'],
  ['no answer at all', judge([silent, silent], 'before'), 'inconclusive'],
  ['conflicts only', judge([conflict, conflict, silent], 'before'), 'inconclusive'],
];

describe('the verdict on a race', () => {
  it.each(table)('%s', (_, verdict, expected) => {
    expect(verdict.is, JSON.stringify(verdict)).toBe(expected);
  });
});
