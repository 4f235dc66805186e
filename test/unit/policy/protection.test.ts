import { describe, expect, test } from 'vitest';
import {
  matchesPattern,
  type ProtectionEntry,
  parseProtection,
  protectionOf,
  protectionProblem,
  type UpdateKind,
} from '../../../src/policy/protection.ts';

const roles = ['owner', 'maintainer'] as const;
const kinds: readonly UpdateKind[] = ['create', 'fast-forward', 'force', 'delete'];

describe('patterns', () => {
  test.each<[string, string[], string[]]>([
    [
      'refs/heads/main',
      ['refs/heads/main'],
      ['refs/heads/main2', 'refs/heads/main/x', 'refs/heads/Main', 'refs/tags/main', 'refs/heads'],
    ],
    ['refs/heads/*', ['refs/heads/a', 'refs/heads/a.b-c'], ['refs/heads/a/b', 'refs/heads', 'refs/tags/a']],
    [
      'refs/heads/release/*',
      ['refs/heads/release/1.0'],
      ['refs/heads/release', 'refs/heads/release/1/0', 'refs/heads/release2/1'],
    ],
    [
      'refs/heads/*/stable',
      ['refs/heads/a/stable'],
      ['refs/heads/stable', 'refs/heads/a/b/stable', 'refs/heads/a/stable/x'],
    ],
    [
      'refs/heads/**',
      ['refs/heads/a', 'refs/heads/a/b', 'refs/heads/a/b/c'],
      ['refs/heads', 'refs/tags/a', 'refs/heads2/a'],
    ],
    [
      'refs/heads/x/**',
      ['refs/heads/x/a', 'refs/heads/x/a/b'],
      ['refs/heads/x', 'refs/heads/xa', 'refs/heads/y/a'],
    ],
    ['refs/*/a/*', ['refs/heads/a/b', 'refs/tags/a/b'], ['refs/heads/a', 'refs/heads/b/a']],
    ['refs/**', ['refs/heads/a', 'refs/tags/a/b', 'refs/notes/x'], ['refs', 'ref/heads/a']],
    ['refs/*/**', ['refs/heads/a', 'refs/heads/a/b'], ['refs/heads']],
    ['refs/heads/a+b.c(d)', ['refs/heads/a+b.c(d)'], ['refs/heads/aab.c(d)', 'refs/heads/a+bxc(d)']],
  ])('%s', (pattern, matching, others) => {
    expect(parseProtection([{ pattern, rules: ['no-delete'] }]).ok).toBe(true);
    for (const name of matching) expect([name, matchesPattern(pattern, name)]).toEqual([name, true]);
    for (const name of others) expect([name, matchesPattern(pattern, name)]).toEqual([name, false]);
  });

  test.each<[string, string]>([
    ['', 'must start with "refs/"'],
    ['main', 'must start with "refs/"'],
    ['*', 'must start with "refs/"'],
    ['**', 'must start with "refs/"'],
    ['refs', 'must start with "refs/"'],
    ['refs/*', 'folder below'],
    ['refs/heads/', 'must not end with "/"'],
    ['refs//main', '"//"'],
    ['refs/heads/v*', 'whole part'],
    ['refs/heads/*-stable', 'whole part'],
    ['refs/heads/***', 'whole part'],
    ['refs/heads/a**', 'whole part'],
    ['refs/**/main', 'can only be the last'],
    ['refs/**/**', 'can only be the last'],
    ['refs/*/*/*/*', 'at most 3 wildcards'],
    ['refs/*/*/*/**', 'at most 3 wildcards'],
    ['refs/heads/ma?n', '"?"'],
    ['refs/heads/[ab]', '"["'],
    ['refs/heads/a..b', '".."'],
    ['refs/heads/a b', '" "'],
    [`refs/heads/${'x'.repeat(246)}`, 'at most 256 characters'],
  ])('%j is refused', (pattern, reason) => {
    const result = parseProtection([{ pattern, rules: ['no-delete'] }]);
    expect(result).toEqual({ ok: false, reason: expect.stringContaining(reason) });
  });

  test('at most fifty entries are accepted', () => {
    const entries = Array.from({ length: 50 }, (_, number) => ({
      pattern: `refs/heads/${number}`,
      rules: ['no-delete'],
    }));
    expect(parseProtection(entries)).toEqual({ ok: true, value: entries });
    expect(parseProtection([...entries, ...entries.slice(0, 1)])).toEqual({
      ok: false,
      reason: 'more than 50 protect tags',
    });
  });
});

describe('rules', () => {
  test.each(['push:owner', 'push:maintainer', 'no-force-push', 'no-delete'])('%s is accepted', (rule) => {
    expect(parseProtection([{ pattern: 'refs/heads/main', rules: [rule] }]).ok).toBe(true);
  });

  test.each(['push:nobody', 'push', 'no-force', 'No-Delete', '', 'allow-force-push', 'no-delete '])(
    '%j is refused, because it would not protect anything',
    (rule) => {
      const result = parseProtection([{ pattern: 'refs/heads/main', rules: ['no-delete', rule] }]);
      expect(result).toEqual({
        ok: false,
        reason: expect.stringContaining(`there is no rule ${JSON.stringify(rule)}`),
      });
    },
  );
});

/** What each rule forbids, and whom; all else is allowed. */
const forbids: Readonly<Record<string, readonly (readonly [(typeof roles)[number], UpdateKind])[]>> = {
  'push:owner': [
    ['maintainer', 'create'],
    ['maintainer', 'fast-forward'],
    ['maintainer', 'force'],
    ['maintainer', 'delete'],
  ],
  'push:maintainer': [],
  'no-force-push': [
    ['owner', 'force'],
    ['maintainer', 'force'],
  ],
  'no-delete': [
    ['owner', 'delete'],
    ['maintainer', 'delete'],
  ],
};

describe('roles × update kinds × rules', () => {
  const rules = Object.keys(forbids);
  const subsets = Array.from({ length: 2 ** rules.length }, (_, bits) =>
    rules.filter((_rule, index) => bits & (1 << index)),
  );
  const name = 'refs/heads/release/1.0';

  describe.each(subsets.map((subset) => [subset.join(' ') || 'no rules', subset] as const))(
    '%s',
    (_what, subset) => {
      /** The same rules in one entry, and one by one on patterns of every kind. */
      const patterns = ['refs/heads/release/1.0', 'refs/heads/release/*', 'refs/heads/**', 'refs/**'];
      const together: ProtectionEntry[] = [{ pattern: 'refs/heads/release/*', rules: subset }];
      const spread = subset.map((rule, index) => ({ pattern: patterns[index] ?? 'refs/**', rules: [rule] }));

      test.each(roles.flatMap((role) => kinds.map((kind) => [role, kind] as const)))(
        '%s: %s',
        (role, kind) => {
          const forbidden = subset.some((rule) =>
            forbids[rule]?.some(([who, what]) => who === role && what === kind),
          );
          for (const entries of [together, spread, spread.toReversed()]) {
            expect(protectionProblem(entries, role, name, kind) !== undefined).toBe(forbidden);
            // Elsewhere everything is allowed.
            expect(protectionProblem(together, role, 'refs/heads/main', kind)).toBeUndefined();
          }
        },
      );
    },
  );

  test('a weaker rule removes nothing from a stronger one', () => {
    const entries = [
      { pattern: 'refs/heads/main', rules: ['push:owner', 'no-force-push'] },
      { pattern: 'refs/heads/*', rules: ['push:maintainer'] },
    ];
    expect(protectionOf(entries, 'refs/heads/main')).toEqual({
      push: 'owner',
      noForcePush: true,
      noDelete: false,
    });
    expect(protectionOf(entries, 'refs/heads/dev')).toEqual({
      push: 'maintainer',
      noForcePush: false,
      noDelete: false,
    });
    expect(protectionOf([], 'refs/heads/main')).toEqual({
      push: 'maintainer',
      noForcePush: false,
      noDelete: false,
    });
  });

  test.each<[string, 'owner' | 'maintainer', UpdateKind, string]>([
    ['push:owner', 'maintainer', 'create', 'only the owner'],
    ['no-force-push', 'owner', 'force', 'only be fast-forwarded'],
    ['no-delete', 'owner', 'delete', 'may not be deleted'],
  ])('%s gives a reason to a %s', (rule, role, kind, reason) => {
    expect(protectionProblem([{ pattern: 'refs/**', rules: [rule] }], role, name, kind)).toContain(reason);
  });
});
