import { describe, expect, it } from 'vitest';
import { hasNonceOf, loginCard, loginSecret } from '../../../../src/fossil/login.ts';
import { fossilUser, keysOfUser } from '../../../../src/fossil-sync/login/fossil-user.ts';
import {
  PERIOD_SECONDS,
  PERIODS_ACCEPTED,
  ProjectPasswords,
} from '../../../../src/fossil-sync/login/project-passwords.ts';
import { projectRights } from '../../../../src/fossil-sync/login/project-rights.ts';
import { type Presented, readBasic, signIn } from '../../../../src/fossil-sync/login/sign-in.ts';
import { repositoryId } from '../../../../src/repository/repository-id.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';

const OWNER = '1'.repeat(64);
const READER = '2'.repeat(64);
const STRANGER = '3'.repeat(64);
const PROJECT = 'a'.repeat(40);
const NOW = 1_800_000_000;
const BODY = Buffer.from('pull x y\n');

const passwords = new ProjectPasswords('4'.repeat(64));
const scope = { id: repositoryId(OWNER, 'demo'), incarnation: '5'.repeat(32), passwordSeries: 3 };

describe('a password', () => {
  it('is the same throughout a period, and does not look like a secret of 40 hex digits to clients', () => {
    const issued = passwords.issue(scope, OWNER, NOW);
    expect(passwords.issue(scope, OWNER, NOW + 1)).toEqual(issued);
    expect(issued.password).toMatch(/^[0-9a-f]{32}$/);
    expect(issued.user).toMatch(/^npub1[a-z0-9]{12}$/);
    expect(issued.expires - NOW).toBeGreaterThan((PERIODS_ACCEPTED - 1) * PERIOD_SECONDS);
    expect(issued.expires - NOW).toBeLessThanOrEqual(PERIODS_ACCEPTED * PERIOD_SECONDS);
  });

  it('differs by key, repository, incarnation, series, period and service', () => {
    const all = [
      passwords.issue(scope, OWNER, NOW),
      passwords.issue(scope, READER, NOW),
      passwords.issue({ ...scope, id: repositoryId(OWNER, 'other') }, OWNER, NOW),
      passwords.issue({ ...scope, id: repositoryId(READER, 'demo') }, OWNER, NOW),
      passwords.issue({ ...scope, incarnation: '6'.repeat(32) }, OWNER, NOW),
      passwords.issue({ ...scope, passwordSeries: 4 }, OWNER, NOW),
      passwords.issue(scope, OWNER, NOW + PERIOD_SECONDS),
      new ProjectPasswords('5'.repeat(64)).issue(scope, OWNER, NOW),
    ];
    expect(new Set(all.map(({ password }) => password)).size).toBe(all.length);
  });
});

describe.each(['card', 'basic'] as const)('a client that shows a password as %s', (kind) => {
  it('has the key that the password was issued to, until it expires', () => {
    const { user, password, expires } = passwords.issue(scope, READER, NOW);
    expect(by(shown(kind, user, password), NOW)).toEqual({ is: 'key', key: READER, user });
    expect(by(shown(kind, user, password), expires - 1)).toEqual({ is: 'key', key: READER, user });
    expect(by(shown(kind, user, password), expires)).toEqual({ is: 'refused', why: 'expired' });
  });

  it('is refused after the passwords of its key were revoked, and other keys are not', () => {
    const [reader, owner] = [passwords.issue(scope, READER, NOW), passwords.issue(scope, OWNER, NOW)];
    const after = { ...scope, keySeries: { [READER]: 1 } };
    const judge = (key: string, given: string, now = after) =>
      passwords.judge(now, key, (password) => password === given, NOW);
    expect(judge(READER, reader.password)).toBe('revoked');
    expect(judge(OWNER, owner.password)).toBe('valid');
    const fresh = passwords.issue(after, READER, NOW).password;
    expect(judge(READER, fresh)).toBe('valid');
    // All are revoked later: none that was valid before becomes valid again.
    const all = { ...after, passwordSeries: scope.passwordSeries + 1 };
    for (const given of [fresh, reader.password]) expect(judge(READER, given, all)).not.toBe('valid');
  });

  it('is refused after all passwords were revoked', () => {
    const { user, password } = passwords.issue({ ...scope, passwordSeries: 2 }, READER, NOW);
    expect(by(shown(kind, user, password), NOW)).toEqual({ is: 'refused', why: 'revoked' });
  });

  it('is refused with the password of another key, a wrong password, or a user without passwords', () => {
    const owner = passwords.issue(scope, OWNER, NOW);
    const reader = passwords.issue(scope, READER, NOW);
    const stranger = passwords.issue(scope, STRANGER, NOW);
    const wrong = { is: 'refused', why: 'wrong' };
    expect(by(shown(kind, owner.user, reader.password), NOW)).toEqual(wrong);
    expect(by(shown(kind, owner.user, 'x'), NOW)).toEqual(wrong);
    expect(by(shown(kind, 'alice', owner.password), NOW)).toEqual(wrong);
    expect(by(shown(kind, 'npub1', owner.password), NOW)).toEqual(wrong);
    expect(by(shown(kind, stranger.user, stranger.password), NOW)).toEqual(wrong);
  });
});

describe('a login card', () => {
  it('is refused for another message and for another project code', () => {
    const { user, password } = passwords.issue(scope, OWNER, NOW);
    const card = loginCard(user, loginSecret(PROJECT, user, password), BODY);
    expect(
      by({ kind: 'card', card, isOfMessage: hasNonceOf(card, Buffer.from('push x y\n')) }, NOW),
    ).toMatchObject({
      is: 'refused',
    });
    const elsewhere = loginCard(user, loginSecret('b'.repeat(40), user, password), BODY);
    expect(
      by({ kind: 'card', card: elsewhere, isOfMessage: hasNonceOf(elsewhere, BODY) }, NOW),
    ).toMatchObject({ is: 'refused' });
  });

  it.each(['nobody', 'anonymous'])('of %s is anonymous', (user) => {
    const card = loginCard(user, 'x', BODY);
    expect(by({ kind: 'card', card, isOfMessage: hasNonceOf(card, BODY) }, NOW)).toEqual({ is: 'anonymous' });
  });
});

it('a client that shows nothing is anonymous', () => {
  expect(by(undefined, NOW)).toEqual({ is: 'anonymous' });
});

describe('HTTP Basic', () => {
  it.each([
    [`Basic ${Buffer.from('a:b:c').toString('base64')}`, { kind: 'basic', user: 'a', password: 'b:c' }],
    [`basic ${Buffer.from('ä:').toString('base64')}`, { kind: 'basic', user: 'ä', password: '' }],
    [`Basic ${Buffer.from('ab').toString('base64')}`, undefined],
    ['Basic ???', undefined],
    ['Bearer abc', undefined],
    [undefined, undefined],
  ])('%j is read', (header, presented) => {
    expect(readBasic(header)).toEqual(presented);
  });
});

describe('user names', () => {
  it('are beginnings of keys of the repository', () => {
    expect(keysOfUser(fossilUser(OWNER), [STRANGER, OWNER, OWNER])).toEqual([OWNER]);
    expect(keysOfUser(fossilUser(OWNER), [STRANGER])).toEqual([]);
    expect(keysOfUser(fossilUser(OWNER).slice(0, -1), [OWNER])).toEqual([]);
    expect(keysOfUser('npub1bbbbbbbbbbbb', [OWNER])).toEqual([]);
    expect(keysOfUser('nsec1'.padEnd(17, 'q'), ['0'.repeat(64)])).toEqual([]);
    for (let seed = 0; seed < 200; seed++) {
      const key = new SeededRandom(seed).hex(32);
      expect(keysOfUser(fossilUser(key), [OWNER, key]), key).toEqual([key]);
    }
    expect(keysOfUser(fossilUser('0'.repeat(64)), ['0'.repeat(64)])).toEqual(['0'.repeat(64)]);
  });
});

describe('rights', () => {
  const facts = { owner: OWNER, writers: [OWNER], private: true, readers: [READER] };
  const none = { read: false, write: false, privateArtifacts: false, unversioned: false };
  const all = { read: true, write: true, privateArtifacts: true, unversioned: true };
  const reading = { ...none, read: true };

  it.each([
    ['signed', OWNER, true, all],
    ['signed', READER, true, { ...reading, privateArtifacts: true }],
    ['signed', STRANGER, true, none],
    ['signed', undefined, true, none],
    ['signed', OWNER, false, all],
    ['signed', STRANGER, false, reading],
    ['signed', undefined, false, reading],
    ['read-only', OWNER, true, { ...reading, privateArtifacts: true }],
    ['open', undefined, false, { ...all, privateArtifacts: false }],
  ] as const)(
    'with access %s, for %s, in a repository with private %s, are %j',
    (mode, key, isPrivate, rights) => {
      expect(projectRights(mode, key, { ...facts, private: isPrivate })).toEqual(rights);
    },
  );
});

function shown(kind: 'card' | 'basic', user: string, password: string): Presented {
  if (kind === 'basic') return { kind, user, password };
  const card = loginCard(user, loginSecret(PROJECT, user, password), BODY);
  return { kind, card, isOfMessage: hasNonceOf(card, BODY) };
}

function by(presented: Presented | undefined, now: number) {
  return signIn(presented, { passwords, scope, projectCode: PROJECT, keys: [OWNER, READER], now });
}
