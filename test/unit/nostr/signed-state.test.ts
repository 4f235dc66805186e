import { describe, expect, test } from 'vitest';
import { refNameProblem } from '../../../src/git/index.ts';
import { isDigest } from '../../../src/lib/digest.ts';
import type { Tag } from '../../../src/nostr/event.ts';
import { createSigner } from '../../../src/nostr/sign.ts';
import {
  parseSignedState,
  type ReceiptFacts,
  receiptTemplate,
  refMapDigest,
  statedRefs,
} from '../../../src/nostr/signed-state.ts';
import { alice, bob, carol } from './authors.ts';

const one = '1'.repeat(40);
const two = '2'.repeat(40);
const long = '3'.repeat(64);
const state = (...tags: Tag[]) => alice.sign({ kind: 30_618, at: 9, tags: [['d', 'project'], ...tags] });
const read = (...tags: Tag[]) => parseSignedState(state(...tags), refNameProblem);
const refsOf = (...tags: Tag[]) => {
  const result = read(...tags);
  return result.ok ? [...result.value.refs] : result.reason;
};

describe('a state', () => {
  test('is read with all fields, its refs in byte order', () => {
    const event = state(
      ['refs/tags/v1', two],
      ['refs/heads/main', one],
      ['refs/heads/\u{1f600}', one],
      ['refs/heads/\uffee', two],
      ['HEAD', 'ref: refs/heads/main'],
    );
    const result = parseSignedState(event, refNameProblem);
    if (!result.ok) throw new Error(result.reason);
    const { refs, ...others } = result.value;
    expect([...refs]).toEqual([
      ['refs/heads/main', one],
      ['refs/heads/\uffee', two],
      ['refs/heads/\u{1f600}', one],
      ['refs/tags/v1', two],
    ]);
    expect(others).toEqual({
      id: event.id,
      author: alice.publicKey,
      at: 9,
      identifier: 'project',
      head: 'refs/heads/main',
      objectFormat: 'sha1',
    });
  });

  test('without refs requests an empty repository', () => {
    expect(read()).toEqual({
      ok: true,
      value: { id: state().id, author: alice.publicKey, at: 9, identifier: 'project', refs: new Map() },
    });
  });

  test.each<[string, Tag[], [string, string][]]>([
    [
      'what a tag peels to',
      [
        ['refs/tags/v1', one],
        ['refs/tags/v1^{}', two],
      ],
      [['refs/tags/v1', one]],
    ],
    ['what a tag peels to, whatever it says', [['refs/heads/x^{}', 'nonsense']], []],
    [
      'refs elsewhere',
      [
        ['refs/notes/commits', one],
        ['refs/nostr/x', one],
        ['refs/heads/a', two],
      ],
      [['refs/heads/a', two]],
    ],
    ['refs elsewhere, whatever they say', [['refs/pull/1', 'nonsense']], []],
    ['ancestors behind the object id', [['refs/heads/a', one, two, two]], [['refs/heads/a', one]]],
    [
      'other tags',
      [
        ['a', 'x'],
        ['p', bob.publicKey],
        ['e', long],
        ['refs', one],
        ['heads/x', one],
      ],
      [],
    ],
    [
      'a ref said twice alike',
      [
        ['refs/heads/a', one],
        ['refs/heads/a', one],
      ],
      [['refs/heads/a', one]],
    ],
  ])('ignores %s', (_what, tags, expected) => {
    expect(refsOf(...tags)).toEqual(expected);
  });

  test.each<[string, Tag[], string | undefined]>([
    ['as git writes it', [['HEAD', 'ref: refs/heads/main']], 'refs/heads/main'],
    ['as a bare name', [['HEAD', 'refs/heads/main']], 'refs/heads/main'],
    [
      'of a branch there is not',
      [
        ['refs/heads/a', one],
        ['HEAD', 'ref: refs/heads/b'],
      ],
      'refs/heads/b',
    ],
    ['not at all', [['refs/heads/a', one]], undefined],
    ['without a word', [['HEAD']], undefined],
  ])('HEAD %s', (_what, tags, expected) => {
    const result = read(...tags);
    expect(result.ok && result.value.head).toBe(expected);
  });

  test('has object ids of either format', () => {
    const result = read(['refs/heads/a', long]);
    expect(result.ok && result.value.objectFormat).toBe('sha256');
  });

  test.each<[string, Tag[], string]>([
    ['a short object id', [['refs/heads/a', one.slice(1)]], 'refs/heads/a: not a whole object id'],
    ['an object id in upper case', [['refs/heads/a', 'A'.repeat(40)]], 'not a whole object id'],
    ['no object id', [['refs/heads/a']], 'not a whole object id'],
    ['a symbolic ref', [['refs/heads/a', 'ref: refs/heads/b']], 'not a whole object id'],
    ['an object id with a line break', [['refs/heads/a', `${one}\n`]], 'not a whole object id'],
    ['a deletion', [['refs/heads/a', '0'.repeat(40)]], 'leave out a ref'],
    [
      'both formats',
      [
        ['refs/heads/a', one],
        ['refs/heads/b', long],
      ],
      'mixes SHA-1 and SHA-256',
    ],
    [
      'two values for one ref',
      [
        ['refs/heads/a', one],
        ['refs/heads/a', two],
      ],
      'there twice',
    ],
    ['a name git refuses', [['refs/heads/a..b', one]], '".."'],
    ['a name with a space', [['refs/heads/a b', one]], '"refs/heads/a b": a ref name'],
    ['a name with a control character', [['refs/heads/a\u0007', one]], 'control characters'],
    ['an empty name', [['refs/heads/', one]], 'must not end with'],
    ['a name that climbs', [['refs/heads/../../x', one]], '".."'],
    ['a lock', [['refs/tags/x.lock', one]], '".lock"'],
    ['a HEAD that is an object id', [['HEAD', one]], 'HEAD must name a branch'],
    ['a HEAD that is a tag', [['HEAD', 'ref: refs/tags/v1']], 'HEAD must name a branch'],
    ['a HEAD with a bad name', [['HEAD', 'ref: refs/heads/a..b']], 'HEAD must name a branch'],
    ['a HEAD with two words', [['HEAD', 'ref: ref: refs/heads/a']], 'HEAD must name a branch'],
    ['an empty HEAD', [['HEAD', '']], 'HEAD must name a branch'],
  ])('%s is refused', (_what, tags, reason) => {
    expect(refsOf(...tags)).toContain(reason);
  });

  test('of another kind or without identifier is refused', () => {
    const reason = (event: Parameters<typeof parseSignedState>[0]) => {
      const result = parseSignedState(event, refNameProblem);
      return result.ok ? undefined : result.reason;
    };
    expect(reason(alice.sign({ kind: 30_617, tags: [['d', 'x']] }))).toContain('its kind is 30617');
    expect(reason(alice.sign({ kind: 30_618, tags: [] }))).toContain('no identifier');
    expect(reason(alice.sign({ kind: 30_618, tags: [['d', '']] }))).toContain('no identifier');
  });
});

describe('the digest of a ref map', () => {
  const entries: [string, string][] = [
    ['refs/heads/a', one],
    ['refs/heads/b', two],
    ['refs/tags/\u{1f600}', one],
    ['refs/tags/\uffee', one],
  ];

  test('depends on the map only', () => {
    const digest = refMapDigest(new Map(entries));
    expect(isDigest(digest)).toBe(true);
    expect(refMapDigest(new Map(entries.toReversed()))).toBe(digest);
    expect(refMapDigest(new Map(entries.slice(1)))).not.toBe(digest);
    expect(refMapDigest(new Map([...entries.slice(1), ['refs/heads/a', two]]))).not.toBe(digest);
    expect(refMapDigest(new Map([...entries.slice(1), ['refs/heads/A', one]]))).not.toBe(digest);
  });

  test('is the digest of canonical JSON', () => {
    // printf '{"refs/heads/a":"1111111111111111111111111111111111111111"}' | sha256sum
    expect(refMapDigest(new Map(entries.slice(0, 1)))).toBe(
      'a9967dd311f9156a3a9daf3ce0c9d18e20ab00263e82a58ed5f07d8d77ba57ab',
    );
    // printf '{}' | sha256sum
    expect(refMapDigest(new Map())).toBe('44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a');
  });
});

describe('a receipt', () => {
  const refs = new Map([
    ['refs/tags/v1', two],
    ['refs/nostr/x', two],
    ['refs/heads/\u{1f600}', one],
    ['refs/heads/\uffee', one],
    ['refs/heads/main', one],
  ]);
  const facts: ReceiptFacts = {
    owner: alice.publicKey,
    identifier: 'a:b',
    refs,
    head: 'refs/heads/main',
    at: 1_700_000_000,
    actors: [carol.publicKey, bob.publicKey, carol.publicKey],
    signedStates: [long, long],
  };
  const signer = createSigner(carol.secretKey);

  test('states branches and tags in byte order, HEAD, and its causes', () => {
    expect(receiptTemplate(facts)).toEqual({
      kind: 30_618,
      created_at: 1_700_000_000,
      content: '',
      tags: [
        ['d', 'a:b'],
        ['refs/heads/main', one],
        ['refs/heads/\uffee', one],
        ['refs/heads/\u{1f600}', one],
        ['refs/tags/v1', two],
        ['HEAD', 'ref: refs/heads/main'],
        ['a', `30617:${alice.publicKey}:a:b`],
        ['p', carol.publicKey],
        ['p', bob.publicKey],
        ['e', long],
      ],
    });
  });

  test('has the same id on every server, for any order of refs', () => {
    const shuffled = { ...facts, refs: new Map([...refs].toReversed()) };
    expect(signer.sign(receiptTemplate(shuffled)).id).toBe(signer.sign(receiptTemplate(facts)).id);
    const moved = { ...facts, refs: new Map([...refs, ['refs/heads/main', two]] as const) };
    expect(signer.sign(receiptTemplate(moved)).id).not.toBe(signer.sign(receiptTemplate(facts)).id);
  });

  test('is read back as a state of the same refs', () => {
    const result = parseSignedState(signer.sign(receiptTemplate(facts)), refNameProblem);
    if (!result.ok) throw new Error(result.reason);
    expect([...result.value.refs]).toEqual([...statedRefs(refs)]);
    expect(result.value).toMatchObject({
      author: carol.publicKey,
      head: 'refs/heads/main',
      identifier: 'a:b',
    });
    expect(refMapDigest(result.value.refs)).toBe(refMapDigest(statedRefs(refs)));
  });

  test('of very many refs states their number and a digest, and no ref: clients do not read it as a state (NIP-34)', () => {
    const digest = 'd'.repeat(64);
    const { tags } = receiptTemplate({ ...facts, refs: { count: 100_000, digest } });
    expect(tags).toEqual([
      ['d', 'a:b'],
      ['refs', '100000', digest],
      ['HEAD', 'ref: refs/heads/main'],
      ['a', `30617:${alice.publicKey}:a:b`],
      ['p', carol.publicKey],
      ['p', bob.publicKey],
      ['e', long],
    ]);
    const read = parseSignedState(
      signer.sign(receiptTemplate({ ...facts, refs: { count: 1, digest } })),
      refNameProblem,
    );
    expect(read).toMatchObject({ ok: true, value: { refs: new Map() } });
  });

  test('of an empty repository has no refs', () => {
    const empty = receiptTemplate({ ...facts, refs: new Map(), actors: [], signedStates: [] });
    expect(empty.tags.map(([name]) => name)).toEqual(['d', 'HEAD', 'a']);
  });

  test('of 100,000 refs takes well under a second', () => {
    const refs = new Map(
      Array.from({ length: 100_000 }, (_, number) => [`refs/heads/${number}`, one] as const),
    );
    const started = performance.now();
    expect(receiptTemplate({ ...facts, refs }).tags.length).toBe(100_006);
    // Some 0.2 s on an idle machine; the bound has to tell it from a sort that goes wrong, on a busy one.
    expect(performance.now() - started).toBeLessThan(15_000);
  });
});
