import { describe, expect, it } from 'vitest';
import { systemRandom } from '../../../../src/lib/random.ts';
import { type MirrorCredential, SealedCredentials } from '../../../../src/mirror/kept/sealed-credentials.ts';
import { repositoryId } from '../../../../src/repository/repository-id.ts';
import { ID } from '../../../helpers/repository-rig.ts';

const [key, otherKey] = ['1'.repeat(64), '2'.repeat(64)];
const seals = new SealedCredentials(key, systemRandom);
const bound = { repository: ID, mirror: 'a'.repeat(16), host: 'https://git.example.org' };
const CREDENTIALS: readonly MirrorCredential[] = [
  { kind: 'basic', username: 'me', password: 'a secret' },
  { kind: 'bearer', token: 'a secret' },
  { kind: 'nostr', secretKey: '3'.repeat(64) },
];

describe('a stored credential (issue 13, point 4)', () => {
  it.each(CREDENTIALS)('of kind $kind is read back', (credential) => {
    expect(seals.open(seals.seal(credential, bound), bound)).toEqual(credential);
  });

  it('can be read by every server with the service key', () => {
    const sealed = seals.seal({ kind: 'bearer', token: 't' }, bound);
    const other = new SealedCredentials(key, systemRandom);
    expect(other.open(sealed, bound)).toEqual({ kind: 'bearer', token: 't' });
  });

  it('reveals nothing, and has different bytes each time', () => {
    const credential = { kind: 'bearer', token: 'a-secret-that-must-not-be-seen' } as const;
    const [one, two] = [seals.seal(credential, bound), seals.seal(credential, bound)];
    expect(one).not.toBe(two);
    expect(Buffer.from(one, 'base64').toString('latin1')).not.toContain('secret');
  });

  it.each([
    ['another mirror', { ...bound, mirror: 'b'.repeat(16) }],
    ['another host', { ...bound, host: 'https://evil.example.org' }],
    ['another scheme', { ...bound, host: 'http://git.example.org' }],
    ['another repository', { ...bound, repository: repositoryId(ID.owner, 'other') }],
    ['another owner', { ...bound, repository: repositoryId('b'.repeat(64), ID.identifier) }],
  ])('cannot be opened for another use: %s', (_what, other) => {
    const sealed = seals.seal({ kind: 'bearer', token: 't' }, bound);
    expect(() => seals.open(sealed, other)).toThrow(expect.objectContaining({ kind: 'unauthenticated' }));
  });

  it('cannot be read with another service key, and the error says what to do', () => {
    const sealed = seals.seal({ kind: 'bearer', token: 't' }, bound);
    const moved = new SealedCredentials(otherKey, systemRandom);
    expect(() => moved.open(sealed, bound)).toThrow(/give it again|again with its credential/);
  });

  it.each([
    ['nothing', ''],
    ['noise', 'AAAA'],
    ['less than a tag', Buffer.alloc(20).toString('base64')],
  ])('that is damaged is refused: %s', (_what, sealed) => {
    expect(() => seals.open(sealed, bound)).toThrow(expect.objectContaining({ kind: 'unauthenticated' }));
  });
});
