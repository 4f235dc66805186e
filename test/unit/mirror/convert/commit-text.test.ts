import { describe, expect, it } from 'vitest';
import {
  encodeCommitText,
  mostMessageBytes,
  parseCommit,
  parseTag,
  rewriteMentions,
} from '../../../../src/mirror/convert/commit-text.ts';

const TREE = 'a'.repeat(40);
const PARENT = 'b'.repeat(40);
const WHO = 'A User <user@example.com> 1700000000 +0100';
const AUTHOR = `author ${WHO}\ncommitter ${WHO}\n`;
const SIGNATURE = '-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----\n';

const header = (name: string, text: string) => `${name} ${text.trimEnd().replaceAll('\n', '\n ')}\n`;

/** A commit with the same ids: what is kept of it. */
function kept(text: string): string {
  const commit = parseCommit(Buffer.from(text, 'latin1'));
  return encodeCommitText(commit, commit.target, commit.parents, commit.message).toString('latin1');
}

describe('a commit', () => {
  it.each([
    ['a message', `tree ${TREE}\nparent ${PARENT}\n${AUTHOR}\nSubject\n\nBody\n`],
    ['no parent', `tree ${TREE}\n${AUTHOR}\nSubject\n`],
    ['no line feed at its end', `tree ${TREE}\n${AUTHOR}\nSubject`],
    ['an empty message', `tree ${TREE}\n${AUTHOR}\n`],
    ['no empty line', `tree ${TREE}\n${AUTHOR}`],
    ['a header that ends without a line feed', `tree ${TREE}\n${AUTHOR}`.trimEnd()],
    ['an encoding and other bytes', `tree ${TREE}\n${AUTHOR}encoding ISO-8859-1\n\nGr\u00fc\u00dfe\u0000\n`],
    ['headers that nobody knows', `tree ${TREE}\n${AUTHOR}HG:extra branch:x\n more\nodd\n\nSubject\n`],
    ['lines like headers in its message', `tree ${TREE}\n${AUTHOR}\ngpgsig x\n y\nparent ${PARENT}\n`],
  ])('with %s is kept byte for byte', (_, text) => {
    expect(kept(text)).toBe(text);
    expect(parseCommit(Buffer.from(text, 'latin1'))).toMatchObject({
      signatures: 0,
      mergetags: 0,
      date: 1700000000,
    });
  });

  it('loses its signatures and signed tags of merges, and counts them', () => {
    const dropped = header('gpgsig', SIGNATURE) + header('gpgsig-sha256', SIGNATURE);
    const mergetag = header('mergetag', `object ${PARENT}\ntype commit\ntag v1\n\nv1\n${SIGNATURE}`);
    const text = `tree ${TREE}\nparent ${PARENT}\nparent ${PARENT}\n${AUTHOR}${mergetag}${mergetag}encoding UTF-8\n${dropped}\nSubject\n`;
    expect(parseCommit(Buffer.from(text))).toMatchObject({
      signatures: 2,
      mergetags: 2,
      parents: [PARENT, PARENT],
    });
    expect(kept(text)).toBe(
      `tree ${TREE}\nparent ${PARENT}\nparent ${PARENT}\n${AUTHOR}encoding UTF-8\n\nSubject\n`,
    );
  });

  it('gets the new ids and the new message', () => {
    const commit = parseCommit(Buffer.from(`tree ${TREE}\nparent ${PARENT}\n${AUTHOR}\nSubject\n`));
    const [tree, parent] = ['c'.repeat(64), 'd'.repeat(64)];
    expect(encodeCommitText(commit, tree, [parent], '\nOther\n').toString()).toBe(
      `tree ${tree}\nparent ${parent}\n${AUTHOR}\nOther\n`,
    );
  });

  it('that does not begin with a tree is malformed', () => {
    expect(() => parseCommit(Buffer.from(`parent ${PARENT}\n${AUTHOR}\nSubject\n`))).toThrow(
      'the id of a tree',
    );
  });
});

describe('a tag', () => {
  const head = `object ${PARENT}\ntype commit\ntag v1\ntagger ${WHO}\n`;

  it.each(['PGP SIGNATURE', 'PGP MESSAGE', 'SSH SIGNATURE', 'SIGNED MESSAGE'])('loses a %s', (kind) => {
    const signature = `-----BEGIN ${kind}-----\nabc\n-----END ${kind}-----\n`;
    const tag = parseTag(Buffer.from(`${head}\nVersion 1\n${signature}`));
    expect(tag).toMatchObject({
      signatures: 1,
      message: '\nVersion 1\n',
      targetType: 'commit',
      date: 1700000000,
    });
    expect(encodeCommitText(tag, PARENT, [], tag.message).toString()).toBe(`${head}\nVersion 1\n`);
  });

  it('keeps an earlier signature that its message quotes, since git reads the last one', () => {
    const { message, signatures } = parseTag(Buffer.from(`${head}\nQuoted\n${SIGNATURE}\nEnd\n${SIGNATURE}`));
    expect({ message, signatures }).toEqual({ message: `\nQuoted\n${SIGNATURE}\nEnd\n`, signatures: 1 });
  });

  it('loses a signature in its header', () => {
    const tag = parseTag(Buffer.from(`${head}${header('gpgsig-sha256', SIGNATURE)}\nVersion 1\n`));
    expect(tag.signatures).toBe(1);
    expect(encodeCommitText(tag, PARENT, [], tag.message).toString()).toBe(`${head}\nVersion 1\n`);
  });

  it('may have no tagger and no message', () => {
    const text = `object ${PARENT}\ntype tree\ntag v1\n`;
    const tag = parseTag(Buffer.from(text));
    expect(tag).toMatchObject({ date: 0, message: '', targetType: 'tree' });
    expect(encodeCommitText(tag, PARENT, [], tag.message).toString()).toBe(text);
  });
});

describe('ids in a message', () => {
  const found = (message: string): string[] => {
    const ids: string[] = [];
    rewriteMentions(message, (id) => void ids.push(id));
    return ids;
  };
  const id = '0123456789abcdef0123456789abcdef01234567';

  it.each([
    ['a whole id', `see ${id}.`, [id]],
    ['an abbreviated id', 'see 0123456', ['0123456']],
    ['one with capitals', 'see 0123ABC', ['0123abc']],
    ['one in brackets', '(cherry picked from commit 01234567)', ['01234567']],
    ['a range', '0123456..89abcde', ['0123456', '89abcde']],
    ['a description', 'v1.2-14-g0123456', ['0123456']],
    ['an address', 'https://example.com/commit/0123456#x', ['0123456']],
    ['two on one line', '0123456 89abcde', ['0123456', '89abcde']],
    ['the beginning of a message', '0123456 is bad', ['0123456']],
    ['six digits', 'see 012345', []],
    ['more than forty digits', `see ${id}0`, []],
    ['part of a word', 'x0123456 and 0123456x and g0123456', []],
  ])('%s: %s', (_, message, ids) => {
    expect(found(message)).toEqual(ids);
  });

  it('are replaced in place, and kept if there is no new id', () => {
    const replace = (prefix: string) => (prefix === '0123456' ? 'fedcba9' : undefined);
    expect(rewriteMentions('0123456, 7654321, 0123456', replace)).toBe('fedcba9, 7654321, fedcba9');
  });

  it('are not replaced in a message that is too long', () => {
    expect(found(`${'x'.repeat(mostMessageBytes)} 0123456`)).toEqual([]);
  });
});
