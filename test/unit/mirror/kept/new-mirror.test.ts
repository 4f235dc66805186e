import { describe, expect, it } from 'vitest';
import { parseNewMirror } from '../../../../src/mirror/kept/new-mirror.ts';

const LIMITS = { shortest: 60 };
const address = 'https://git.example.org/a/b.git';
const pull = { name: 'upstream', direction: 'pull', address };

describe('a requested mirror (issue 13, point 4)', () => {
  it('has defaults', () => {
    expect(parseNewMirror(pull, LIMITS)).toEqual({
      ...pull,
      refs: 'namespace',
      overwrite: false,
      every: 900,
      host: 'https://git.example.org',
    });
    expect(parseNewMirror({ ...pull, direction: 'push' }, { shortest: 1_200 })).toMatchObject({
      prune: true,
      overwrite: false,
      every: 1_200,
    });
  });

  it.each([
    ['a path on the server', { address: '/etc' }, /only/],
    ['a file', { address: 'file:///etc' }, /only/],
    ['SSH', { address: 'git@example.org:a/b' }, /only/],
    ['another scheme', { address: 'gopher://example.org/' }, /not supported/],
    ['a user in the address', { address: 'https://me:secret@example.org/a' }, /separately/],
    ['a query', { address: 'https://example.org/a?token=x' }, /query/],
    ['a very long address', { address: `https://example.org/${'a'.repeat(2_048)}` }, /2048/],
    ['an interval that is too short', { every: 59 }, /shortest interval on this server is 60 s/],
    ['an interval that is no number', { every: '60' }, /every/],
    ['an interval of years', { every: 10 ** 9 }, /every/],
    ['a name with a slash', { name: 'a/b' }, /name/],
    ['a name that is hidden', { name: '.a' }, /name/],
    ['no name', { name: '' }, /name/],
    ['a long name', { name: 'a'.repeat(64) }, /name/],
    ['another direction', { direction: 'both' }, /direction/],
    ['what is unknown', { surprise: true }, /surprise/],
    ['what belongs to the other direction', { prune: true }, /prune/],
    ['a credential of no kind', { credential: { kind: 'magic' } }, /credential/],
    ['a key that is none', { credential: { kind: 'nostr', secretKey: 'ff' } }, /credential/],
  ])('is refused with the reason: %s', (_what, parts, reason) => {
    expect(() => parseNewMirror({ ...pull, ...parts }, LIMITS)).toThrow(
      expect.objectContaining({ kind: 'invalid', message: expect.stringMatching(reason) }),
    );
  });

  it('is refused without showing its secrets', () => {
    const refused = [
      { ...pull, credential: { kind: 'basic', username: 'me', password: 'hunter2', more: 'hunter2' } },
      { ...pull, credential: 'hunter2' },
      { ...pull, address: 'https://me:hunter2@example.org/a' },
    ];
    for (const wanted of refused) {
      const problem = () => parseNewMirror(wanted, LIMITS);
      expect(problem).toThrow();
      expect(problem).not.toThrow(/hunter2/);
    }
  });
});
