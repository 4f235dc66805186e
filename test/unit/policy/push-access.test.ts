import { describe, expect, test } from 'vitest';
import {
  type AccessAnswer,
  type AccessFacts,
  decideAccess,
  type Role,
  roleOf,
} from '../../../src/policy/push-access.ts';

const keys: Readonly<Record<Role, string | undefined>> = {
  owner: 'a'.repeat(64),
  maintainer: 'b'.repeat(64),
  reader: 'c'.repeat(64),
  stranger: 'd'.repeat(64),
  anonymous: undefined,
};
const repository = (hidden: boolean): AccessFacts => ({
  owner: 'a'.repeat(64),
  writers: ['a'.repeat(64), 'b'.repeat(64)],
  readers: ['c'.repeat(64)],
  private: hidden,
});

/** What is answered: `yes`, or how it is refused. */
type Answer = 'yes' | AccessAnswer;
const table: readonly [Role, Record<'public' | 'private' | 'none', Record<'read' | 'push', Answer>>][] = [
  [
    'owner',
    {
      public: { read: 'yes', push: 'yes' },
      private: { read: 'yes', push: 'yes' },
      none: { read: 'hidden', push: 'hidden' },
    },
  ],
  [
    'maintainer',
    {
      public: { read: 'yes', push: 'yes' },
      private: { read: 'yes', push: 'yes' },
      none: { read: 'hidden', push: 'hidden' },
    },
  ],
  [
    'reader',
    {
      public: { read: 'yes', push: 'forbidden' },
      private: { read: 'yes', push: 'forbidden' },
      none: { read: 'hidden', push: 'hidden' },
    },
  ],
  [
    'stranger',
    {
      public: { read: 'yes', push: 'forbidden' },
      private: { read: 'hidden', push: 'hidden' },
      none: { read: 'hidden', push: 'hidden' },
    },
  ],
  [
    'anonymous',
    {
      public: { read: 'yes', push: 'unauthenticated' },
      private: { read: 'unauthenticated', push: 'unauthenticated' },
      none: { read: 'unauthenticated', push: 'unauthenticated' },
    },
  ],
];

describe.each(table)('%s', (role, answers) => {
  const facts = { public: repository(false), private: repository(true), none: undefined };
  const cases = (['public', 'private', 'none'] as const).flatMap((which) =>
    (['read', 'push'] as const).map((operation) => [operation, which] as const),
  );
  test.each(cases)('%s, repository: %s', (operation, which) => {
    const expected = answers[which][operation];
    const access = decideAccess(operation, keys[role], facts[which]);
    if (expected === 'yes') expect(access).toEqual({ allow: true, role });
    else expect(access).toEqual({ allow: false, answer: expected, reason: expect.stringMatching(/\w+ \w+/) });
  });
});

describe('a key without access to a private repository', () => {
  test.each(['stranger', 'anonymous'] as const)('gets the same answer as for a missing one: %s', (role) => {
    for (const operation of ['read', 'push'] as const) {
      expect(decideAccess(operation, keys[role], repository(true))).toEqual(
        decideAccess(operation, keys[role], undefined),
      );
    }
  });

  test('gets the same answer for reading and pushing', () => {
    for (const actor of [keys.stranger, keys.anonymous]) {
      expect(decideAccess('push', actor, repository(true))).toEqual(
        decideAccess('read', actor, repository(true)),
      );
    }
  });
});

describe('roles', () => {
  test('the highest role counts', () => {
    const facts: AccessFacts = {
      owner: 'a',
      writers: ['a', 'b'],
      readers: ['a', 'b', 'c'],
      private: true,
    };
    expect(['a', 'b', 'c', 'd', undefined].map((actor) => roleOf(actor, facts))).toEqual([
      'owner',
      'maintainer',
      'reader',
      'stranger',
      'anonymous',
    ]);
  });

  test('the owner is the owner on every list', () => {
    expect(roleOf('a', { owner: 'a', writers: [], readers: [], private: false })).toBe('owner');
  });
});
