import { describe, expect, test } from 'vitest';
import { type HeldState, matchHeldState } from '../../../src/policy/state-match.ts';

const [A, B] = ['a'.repeat(40), 'b'.repeat(40)];
const refs = (entries: Record<string, string>) => new Map(Object.entries(entries));
const held = (author: string, at: number, id: string, entries: Record<string, string>): HeldState => ({
  author,
  at,
  id: id.repeat(64),
  refs: refs(entries),
});

describe('a push', () => {
  const waiting = held('alice', 5, '1', { 'refs/heads/main': A, 'refs/tags/v1': B });

  test('that makes the refs equal to a waiting signed state carries it out', () => {
    expect(matchHeldState(refs({ 'refs/tags/v1': B, 'refs/heads/main': A }), [waiting])).toEqual({
      ok: true,
      value: waiting,
    });
  });

  test('may carry out a signed state without refs', () => {
    const empty = held('alice', 5, '1', {});
    expect(matchHeldState(new Map(), [empty])).toEqual({ ok: true, value: empty });
  });

  test.each<[string, Record<string, string>, string]>([
    [
      'another commit',
      { 'refs/heads/main': B, 'refs/tags/v1': B },
      'refs/heads/main would be bbbbbbbb and shall be aaaaaaaa',
    ],
    ['a missing branch', { 'refs/tags/v1': B }, 'refs/heads/main is missing'],
    [
      'an extra branch',
      { 'refs/heads/main': A, 'refs/heads/x': A, 'refs/tags/v1': B },
      'refs/heads/x is not in it',
    ],
    ['a missing tag', { 'refs/heads/main': A }, 'refs/tags/v1 is missing'],
    [
      'a renamed branch',
      { 'refs/heads/master': A, 'refs/tags/v1': B },
      'refs/heads/main is missing, refs/heads/master is not in it',
    ],
    ['nothing', {}, 'refs/heads/main is missing, refs/tags/v1 is missing'],
  ])('with %s is refused', (_what, after, reason) => {
    const result = matchHeldState(refs(after), [waiting]);
    expect(result).toEqual({
      ok: false,
      reason: `the push does not match the signed state 11111111: ${reason}`,
    });
  });

  test('with many differences is told three of them', () => {
    const after = Object.fromEntries(Array.from({ length: 10 }, (_, number) => [`refs/heads/${number}`, A]));
    const result = matchHeldState(refs(after), [held('alice', 5, '1', {})]);
    expect(result.ok ? '' : result.reason).toMatch(
      /: refs\/heads\/0 .*, refs\/heads\/1 .*, refs\/heads\/2 is not in it and 7 more$/,
    );
  });

  test('for a signed state that may be meant for another repository shows the difference to the state’s author only (issue 11, point 12)', () => {
    const authorOnly = { ...waiting, authorOnly: true };
    const after = refs({ 'refs/heads/main': B, 'refs/heads/x': A });
    const reasonFor = (caller?: string) => {
      const result = matchHeldState(after, [authorOnly], caller);
      return result.ok ? '' : result.reason;
    };
    for (const caller of [undefined, 'bob']) {
      expect(reasonFor(caller)).toContain(
        'refs/heads/main is not bbbbbbbb in it, refs/heads/x is not aaaaaaaa in it',
      );
      expect(reasonFor(caller)).not.toMatch(/v1|shall be/);
    }
    expect(reasonFor('alice')).toContain('refs/heads/main would be bbbbbbbb and shall be aaaaaaaa');
    const missing = matchHeldState(refs({ 'refs/heads/main': A }), [authorOnly]);
    expect(missing.ok ? '' : missing.reason).toMatch(/: refs are missing; push with a token/);
  });

  test('without a waiting signed state gets instructions', () => {
    expect(matchHeldState(new Map(), [])).toEqual({
      ok: false,
      reason: expect.stringContaining('sign one first'),
    });
  });
});

describe('several waiting signed states', () => {
  const after = refs({ 'refs/heads/main': A });
  const fits = (author: string, at: number, id: string) => held(author, at, id, { 'refs/heads/main': A });
  const differs = (author: string, at: number, id: string) => held(author, at, id, { 'refs/heads/main': B });

  test.each<[string, HeldState[], string | undefined]>([
    ['the one that fits', [differs('alice', 1, '1'), fits('bob', 1, '2')], '2'],
    ['the one that fits, although another is newer', [fits('alice', 1, '1'), differs('bob', 2, '2')], '1'],
    ['the newest that fits', [fits('alice', 1, '9'), fits('bob', 2, '2')], '2'],
    ['the larger id of two authors in one second', [fits('alice', 1, '1'), fits('bob', 1, '2')], '2'],
    ['the lower id of one author in one second', [fits('alice', 1, '1'), fits('alice', 1, '2')], '1'],
    ['none, when its author has replaced it', [fits('alice', 1, '1'), differs('alice', 2, '2')], undefined],
    [
      'none, when its author has replaced it within the second',
      [fits('alice', 1, '2'), differs('alice', 1, '1')],
      undefined,
    ],
  ])('%s', (_what, heldStates, expected) => {
    for (const given of [heldStates, heldStates.toReversed()]) {
      const result = matchHeldState(after, given);
      expect(result.ok ? result.value.id[0] : undefined).toBe(expected);
    }
  });

  test('are compared with the push by the newest in a refusal', () => {
    const result = matchHeldState(after, [differs('alice', 1, '1'), differs('bob', 2, '2')]);
    expect(result.ok ? '' : result.reason).toContain('22222222');
  });
});
