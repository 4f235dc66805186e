import { describe, expect, it } from 'vitest';
import { parseCommit, splitMessage } from '../../../../src/git/objects/commit.ts';
import { parsePerson } from '../../../../src/git/objects/person.ts';
import { parseTag } from '../../../../src/git/objects/tag.ts';
import { findInTree, treeEntries } from '../../../../src/git/objects/tree.ts';

const OID = 'a'.repeat(40);

describe('a person', () => {
  it.each([
    [
      'A U Thor <a@example.org> 1700000000 +0230',
      { name: 'A U Thor', email: 'a@example.org', time: 1_700_000_000, zone: 150 },
    ],
    ['<a@example.org> -86400 -1130', { name: '', email: 'a@example.org', time: -86_400, zone: -690 }],
    ['Name <a> <b> 5 +0000', { name: 'Name', email: 'a', time: 0, zone: 0 }],
    ['Name <> 5', { name: 'Name', email: '', time: 5, zone: 0 }],
    ['Name <a@b> 99999999999999999 +0000', { name: 'Name', email: 'a@b', time: 0, zone: 0 }],
    ['no address at all', { name: 'no address at all', email: '', time: 0, zone: 0 }],
    ['', { name: '', email: '', time: 0, zone: 0 }],
  ])('is read from %j', (line, person) => expect(parsePerson(line)).toEqual(person));
});

describe('a commit', () => {
  const content = (headers: string, message: string, encoding: BufferEncoding = 'utf8') =>
    Buffer.from(`${headers}\n\n${message}`, encoding);

  it('is read with parents, signature and message', () => {
    const commit = parseCommit(
      content(
        `tree ${OID}\nparent ${OID}\nparent ${'b'.repeat(40)}\nauthor A <a> 1 +0000\ncommitter C <c> 2 +0000\ngpgsig -----BEGIN SSH SIGNATURE-----\n abc\n -----END SSH SIGNATURE-----`,
        'Subject\n\nBody\n',
      ),
    );
    expect(commit).toMatchObject({
      tree: OID,
      parents: [OID, 'b'.repeat(40)],
      author: { name: 'A' },
      committer: { name: 'C', time: 2 },
      message: 'Subject\n\nBody\n',
      signature: '-----BEGIN SSH SIGNATURE-----\nabc\n-----END SSH SIGNATURE-----',
    });
  });

  it('is read in the encoding that it names, or as Latin-1 if that fails', () => {
    const head = `tree ${OID}\nauthor J\xf6rg <j> 1 +0000`;
    expect(parseCommit(content(`${head}\nencoding ISO-8859-1`, 'gr\xfcn', 'latin1')).message).toBe('grün');
    expect(parseCommit(content(`${head}\nencoding nonsense`, 'gr\xfcn', 'latin1'))).toMatchObject({
      author: { name: 'Jörg' },
      message: 'grün',
    });
    expect(parseCommit(content(head, 'grün')).message).toBe('grün');
    // People with different encodings, and none named.
    const people = Buffer.concat([
      Buffer.from('author Zoë <z> 1 +0000\n'),
      Buffer.from('committer J\xf6rg <j> 2 +0000\n\n', 'latin1'),
    ]);
    expect(parseCommit(people)).toMatchObject({ author: { name: 'Zoë' }, committer: { name: 'Jörg' } });
  });

  it('without headers or message is empty, and causes no error', () => {
    for (const text of ['', '\n', '\n\n', 'tree', `tree ${OID}`, 'x\n y\n\nz'])
      expect(() => parseCommit(Buffer.from(text))).not.toThrow();
    expect(parseCommit(Buffer.from(`tree ${OID}\n\n`)).message).toBe('');
  });

  it.each([
    ['One\ntwo\n\nBody\n', 'One two', 'Body'],
    ['\n\n  Late\n', 'Late', ''],
    ['', '', ''],
    ['A\n \n\nB\n\nC\n', 'A', 'B\n\nC'],
  ])('has a subject and a body: %j', (message, subject, body) =>
    expect(splitMessage(message)).toEqual({ subject, body }),
  );
});

it('a tag is read without its signature, and without a tagger', () => {
  const text = `object ${OID}\ntype commit\ntag v1\ntagger T <t> 7 +0100\n\nNotes\n-----BEGIN PGP SIGNATURE-----\nx\n-----END PGP SIGNATURE-----\n`;
  expect(parseTag(Buffer.from(text))).toMatchObject({
    object: OID,
    type: 'commit',
    tagger: { name: 'T', zone: 60 },
    message: 'Notes\n',
    signature: expect.stringContaining('END PGP'),
  });
  expect(parseTag(Buffer.from(`object ${OID}\ntype tree\ntag v0\n\nOld\n`)).tagger).toBeUndefined();
});

describe('a tree', () => {
  const entry = (mode: string, name: string, byte: number, length = 20) =>
    Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.alloc(length, byte)]);
  const tree = Buffer.concat([
    entry('100644', 'a', 0),
    entry('100755', 'a b', 0x20),
    entry('40000', 'dir', 1),
    entry('120000', 'link', 2),
    entry('160000', 'module', 3),
    entry('100664', 'old', 4),
  ]);

  it('is read entry by entry', () => {
    expect([...treeEntries(tree, 20)].map(({ name, kind }) => [String(name), kind])).toEqual([
      ['a', 'file'],
      ['a b', 'executable'],
      ['dir', 'folder'],
      ['link', 'symlink'],
      ['module', 'submodule'],
      ['old', 'file'],
    ]);
    expect([...treeEntries(entry('100644', 'x', 9, 32), 32)][0]?.oid).toBe('09'.repeat(32));
  });

  it('finds each of its names, and no other', () => {
    for (const found of [...treeEntries(tree, 20)]) expect(findInTree(tree, 20, found.name)).toEqual(found);
    for (const name of ['', 'b', 'di', 'dirs', 'a '])
      expect(findInTree(tree, 20, Buffer.from(name))).toBeUndefined();
  });

  it('that is cut anywhere causes no error', () => {
    for (let end = 0; end < tree.length; end++) {
      expect(() => [...treeEntries(tree.subarray(0, end), 20)]).not.toThrow();
      expect(() => findInTree(tree.subarray(0, end), 20, Buffer.from('zzz'))).not.toThrow();
    }
  });
});
