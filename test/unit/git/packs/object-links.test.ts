import { describe, expect, it } from 'vitest';
import {
  eachLink,
  eachSubtree,
  eachTag,
  type LinkVisitor,
  type ObjectType,
} from '../../../../src/git/index.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';
import { testSeed } from '../../../helpers/test-seed.ts';

const seed = testSeed();
const FIRST = 'a1'.repeat(20);
const SECOND = 'b2'.repeat(20);

function heard(find: (hear: LinkVisitor) => void, length = 20): string[] {
  const ids: string[] = [];
  find((bytes, at) => ids.push(bytes.toString('hex', at, at + length)));
  return ids;
}

function tree(...entries: readonly (readonly [mode: string, name: string, id: string])[]): Buffer {
  return Buffer.concat(
    entries.map(([mode, name, id]) =>
      Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(id, 'hex')]),
    ),
  );
}

describe('the links of a tree', () => {
  it.each([
    ['nothing', tree(), []],
    ['a folder', tree(['40000', 'a', FIRST]), [FIRST]],
    ['a folder with a zero in front of its mode', tree(['040000', 'a', FIRST]), [FIRST]],
    [
      'files, links and submodules',
      tree(['100644', 'a', FIRST], ['120000', 'b', FIRST], ['160000', 'c', FIRST]),
      [],
    ],
    ['a folder whose mode has other bits, which git ignores', tree(['40755', 'a', FIRST]), [FIRST]],
    [
      'two with a file between',
      tree(['40000', 'a', FIRST], ['100755', 'b', FIRST], ['40000', 'c d', SECOND]),
      [FIRST, SECOND],
    ],
    [
      'an id that looks like entries',
      tree(['40000', 'a', '20'.repeat(20)], ['40000', 'b', '00'.repeat(20)]),
      ['20'.repeat(20), '00'.repeat(20)],
    ],
  ])('%s', (_name, content, expected) => {
    expect(heard((hear) => eachSubtree(content, 20, hear))).toEqual(expected);
  });

  it('have ids of SHA-256', () => {
    const id = 'c3'.repeat(32);
    expect(heard((hear) => eachSubtree(tree(['40000', 'a', id]), 32, hear), 32)).toEqual([id]);
  });

  it('end at its end, wherever it is cut', () => {
    const whole = tree(['40000', 'a', FIRST], ['40000', 'b', SECOND]);
    for (let length = 0; length < whole.length; length++) {
      const links = heard((hear) => eachSubtree(whole.subarray(0, length), 20, hear));
      expect(links).toEqual(length < whole.length / 2 ? [] : [FIRST]);
    }
  });
});

describe('the link of a tag', () => {
  it.each([
    ['a tag', `object ${FIRST}\ntype tag\ntag v1\n`, [FIRST]],
    ['nothing that counts, of a commit', `object ${FIRST}\ntype commit\ntag v1\n`, []],
    ['nothing, where its text only says so later', `object ${FIRST}\ntype commit\ntag v1\n\ntype tag\n`, []],
  ])('%s', (_name, text, expected) => {
    expect(heard((hear) => eachTag(Buffer.from(text), hear))).toEqual(expected);
  });
});

describe('all links of an object', () => {
  function links(type: ObjectType, content: Buffer, length = 20): string[] {
    const found: string[] = [];
    eachLink(type, content, length, (linked, bytes, at) =>
      found.push(`${linked} ${bytes.toString('hex', at, at + length)}`),
    );
    return found;
  }
  const person = 'A <a@example.com> 1700000000 +0000';
  const commit = (...lines: readonly string[]) =>
    Buffer.from(`${lines.join('\n')}\nauthor ${person}\ncommitter ${person}\n\nparent ${SECOND}\n`);

  it('of a tree are its files, links and folders, but not its submodules', () => {
    const entries = tree(
      ['100644', 'a', FIRST],
      ['120000', 'b', SECOND],
      ['160000', 'c', FIRST],
      ['40000', 'd', SECOND],
    );
    expect(links('tree', entries)).toEqual([`blob ${FIRST}`, `blob ${SECOND}`, `tree ${SECOND}`]);
  });

  it('of a commit are its tree and its parents, and nothing in its message', () => {
    expect(links('commit', commit(`tree ${FIRST}`))).toEqual([`tree ${FIRST}`]);
    expect(links('commit', commit(`tree ${FIRST}`, `parent ${SECOND}`, `parent ${FIRST}`))).toEqual([
      `tree ${FIRST}`,
      `commit ${SECOND}`,
      `commit ${FIRST}`,
    ]);
    const long = 'c3'.repeat(32);
    expect(links('commit', commit(`tree ${long}`), 32)).toEqual([`tree ${long}`]);
  });

  it.each(['commit', 'tree', 'blob', 'tag'] as const)('of a tag are its object: a %s', (type) => {
    const content = Buffer.from(`object ${FIRST}\ntype ${type}\ntag v1\ntagger ${person}\n\nA tag\n`);
    expect(links('tag', content)).toEqual([`${type} ${FIRST}`]);
  });

  it('of a file are none', () => {
    expect(links('blob', commit(`tree ${FIRST}`))).toEqual([]);
  });
});

it(`folders of a tree are the same from both readers, for any modes (seed ${seed})`, () => {
  const random = new SeededRandom(seed);
  const pieces = [
    '1',
    '4',
    '0',
    '7',
    '8',
    ' ',
    '\0',
    '100644 ',
    '40000 ',
    '040000 ',
    '1 a\0',
    'name\0',
    ' '.repeat(20),
  ];
  for (let round = 0; round < 3_000; round++) {
    const parts = Array.from({ length: random.below(30) }, () =>
      random.below(4) === 0 ? Buffer.alloc(20, random.below(256)) : Buffer.from(random.pick(pieces)),
    );
    const bytes = Buffer.concat(parts);
    const folders: string[] = [];
    eachLink('tree', bytes, 20, (type, at, from) => {
      if (type === 'tree') folders.push(at.toString('hex', from, from + 20));
    });
    expect(heard((hear) => eachSubtree(bytes, 20, hear))).toEqual(folders);
  }
});
