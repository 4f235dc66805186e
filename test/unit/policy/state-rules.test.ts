import { describe, expect, test } from 'vitest';
import { decideState, headAfterState, impossibleState, planState } from '../../../src/policy/state-rules.ts';

const branch = 'refs/heads/x';
const tag = 'refs/tags/x';
const refs = (entries: Record<string, string>) => new Map(Object.entries(entries));
const one = (name: string, oid: string | undefined) => new Map(oid === undefined ? [] : [[name, oid]]);

describe('the three values of a ref', () => {
  /** now, as the last signed state set it, as this signed state wants it → what is done; `?` asks whether it is a fast-forward. */
  const table: [
    string | undefined,
    string | undefined,
    string | undefined,
    'nothing' | 'free' | 'ask' | 'conflict',
  ][] = [
    // As the last signed state left it: anything goes.
    [undefined, undefined, undefined, 'nothing'],
    [undefined, undefined, 'A', 'free'],
    ['A', 'A', 'A', 'nothing'],
    ['A', 'A', 'B', 'free'],
    ['A', 'A', undefined, 'free'],
    // Created by a push.
    ['A', undefined, 'A', 'nothing'],
    ['A', undefined, 'B', 'ask'],
    ['A', undefined, undefined, 'conflict'],
    // Moved by a push.
    ['B', 'A', 'B', 'nothing'],
    ['B', 'A', 'A', 'ask'],
    ['B', 'A', 'C', 'ask'],
    ['B', 'A', undefined, 'conflict'],
    // Deleted by a push.
    [undefined, 'A', undefined, 'nothing'],
    [undefined, 'A', 'A', 'conflict'],
    [undefined, 'A', 'B', 'conflict'],
  ];

  test.each(table)('published %s, last applied %s, wanted %s: %s', (now, last, wanted, expected) => {
    for (const name of [branch, tag]) {
      const plan = planState(one(name, now), one(name, last), one(name, wanted));
      expect(plan.changes).toEqual(expected === 'nothing' ? [] : [{ name, from: now, to: wanted }]);
      // A tag does not move forward: one that a push has set stays.
      const judged = expected === 'ask' && name === tag ? 'conflict' : expected;
      expect(plan.questions).toEqual(judged === 'ask' ? [{ name, from: now, to: wanted }] : []);
      expect(plan.conflicts.length).toBe(judged === 'conflict' ? 1 : 0);

      expect(decideState(plan, new Set()).apply).toBe(judged === 'nothing' || judged === 'free');
      expect(decideState(plan, new Set([name])).apply).toBe(judged !== 'conflict');
    }
  });
});

describe('a whole signed state', () => {
  const last = refs({ 'refs/heads/main': 'A', 'refs/heads/old': 'A', 'refs/tags/v1': 'A' });

  test('based on the last one may change anything', () => {
    const wanted = refs({ 'refs/heads/main': 'B', 'refs/heads/new': 'C', 'refs/tags/v1': 'B' });
    const plan = planState(last, last, wanted);
    expect(plan.conflicts).toEqual([]);
    expect(decideState(plan, new Set())).toEqual({
      apply: true,
      changes: [
        { name: 'refs/heads/main', from: 'A', to: 'B' },
        { name: 'refs/heads/new', from: undefined, to: 'C' },
        { name: 'refs/heads/old', from: 'A', to: undefined },
        { name: 'refs/tags/v1', from: 'A', to: 'B' },
      ],
    });
  });

  test('that is the first one cannot undo pushes', () => {
    const current = refs({ 'refs/heads/main': 'A' });
    const plan = planState(current, new Map(), refs({ 'refs/heads/other': 'B' }));
    expect(decideState(plan, new Set()).apply).toBe(false);
    const kept = planState(current, new Map(), refs({ 'refs/heads/main': 'A', 'refs/heads/other': 'B' }));
    expect(decideState(kept, new Set()).apply).toBe(true);
  });

  test('from an old clone is held as a whole, even if most of it could be applied', () => {
    // Since the last signed state a push made a branch, moved main forward and deleted old: the stale state knows nothing of it.
    const current = refs({ 'refs/heads/main': 'B', 'refs/heads/pushed': 'C', 'refs/tags/v1': 'A' });
    const stale = refs({
      'refs/heads/main': 'A',
      'refs/heads/old': 'A',
      'refs/heads/new': 'D',
      'refs/tags/v1': 'A',
    });
    const decision = decideState(planState(current, last, stale), new Set());
    expect(decision).toEqual({ apply: false, reason: expect.stringContaining('would undo a push') });
    const reason = decision.apply ? '' : decision.reason;
    expect(reason).toContain('refs/heads/old (a push deleted it)');
    expect(reason).toContain('refs/heads/pushed (a push changed it, and the state leaves it out)');
    expect(reason).toContain('refs/heads/main (a push moved it, and the state does not build on that)');
    expect(reason).not.toContain('refs/heads/new');
  });

  test('that builds on the pushes is applied', () => {
    const current = refs({ 'refs/heads/main': 'B', 'refs/heads/pushed': 'C', 'refs/tags/v1': 'A' });
    const wanted = refs({ 'refs/heads/main': 'D', 'refs/heads/pushed': 'C', 'refs/tags/v1': 'B' });
    const plan = planState(current, last, wanted);
    expect(plan.questions).toEqual([{ name: 'refs/heads/main', from: 'B', to: 'D' }]);
    expect(decideState(plan, new Set(['refs/heads/main'])).apply).toBe(true);
    expect(decideState(plan, new Set(['refs/heads/pushed'])).apply).toBe(false);
  });

  test('is answered with three conflicting refs, and the number of the rest', () => {
    const current = refs(
      Object.fromEntries(Array.from({ length: 9 }, (_, number) => [`refs/heads/${number}`, 'A'])),
    );
    const decision = decideState(planState(current, new Map(), new Map()), new Set());
    expect(decision.apply ? '' : decision.reason).toMatch(
      /refs\/heads\/0 .*refs\/heads\/1 .*refs\/heads\/2 .* and 6 more;/,
    );
  });

  test('that equals the published refs changes nothing', () => {
    expect(decideState(planState(last, new Map(), last), new Set())).toEqual({ apply: true, changes: [] });
  });
});

test.each<[string, Record<string, string>, string | undefined]>([
  ['nothing', {}, undefined],
  [
    'names beside one another',
    { 'refs/heads/a': 'A', 'refs/heads/a.b': 'A', 'refs/heads/ab': 'A', 'refs/tags/a/b': 'A' },
    undefined,
  ],
  ['a branch that is a folder', { 'refs/heads/a': 'A', 'refs/heads/a/b': 'A' }, 'cannot exist beside'],
  [
    'a branch that is a folder further up',
    { 'refs/heads/a/b/c': 'A', 'refs/heads/a': 'A' },
    'cannot exist beside',
  ],
])('a state with %s', (_what, entries, expected) => {
  const problem = impossibleState(refs(entries));
  expect(problem).toEqual(expected === undefined ? undefined : expect.stringContaining(expected));
});

test.each<[string, string | undefined, string, string[], string]>([
  [
    'asked for and there',
    'refs/heads/dev',
    'refs/heads/main',
    ['refs/heads/dev', 'refs/heads/main'],
    'refs/heads/dev',
  ],
  [
    'asked for and not there',
    'refs/heads/gone',
    'refs/heads/main',
    ['refs/heads/dev', 'refs/heads/main'],
    'refs/heads/main',
  ],
  ['not asked for', undefined, 'refs/heads/dev', ['refs/heads/dev', 'refs/heads/main'], 'refs/heads/dev'],
  [
    'not asked for, and its branch gone',
    undefined,
    'refs/heads/gone',
    ['refs/heads/dev', 'refs/heads/main'],
    'refs/heads/main',
  ],
  ['asked for in an empty repository', 'refs/heads/dev', 'refs/heads/main', [], 'refs/heads/main'],
])('HEAD becomes %s', (_what, wanted, head, names, expected) => {
  expect(headAfterState(wanted, head, new Map(names.map((name) => [name, 'A'])))).toBe(expected);
});
