import { expect, it } from 'vitest';
import { MOST_OFFERED, refChoicesOf } from '../../../src/browse/refs/ref-choices.ts';
import { linkName, readRevision } from '../../../src/browse/revision.ts';
import { manifestOf, oid } from '../../helpers/repository-rig.ts';

const ID = 'c0ffee'.padEnd(40, '0');

/** Names that mean something else in some place. */
const REFS = [
  'refs/heads/HEAD',
  `refs/heads/${ID}`,
  `refs/heads/${'a'.repeat(40)}/b`,
  'refs/heads/main',
  'refs/heads/refs',
  'refs/heads/same',
  'refs/heads/same-folder/below',
  'refs/heads/tags/x',
  'refs/heads/tree',
  'refs/heads/v',
  'refs/nostr/x',
  'refs/tags/heads/main',
  'refs/tags/main',
  'refs/tags/nostr/x',
  'refs/tags/refs/heads/main',
  'refs/tags/same',
  'refs/tags/same-folder',
  'refs/tags/v/1.0',
  'refs/tags/ü %',
];
const PATHS = ['', 'below', 'below/x', 'heads/main', '1.0', 'x', 'b'];

const refs = new Map(REFS.map((ref, at) => [ref, oid(String.fromCharCode(97 + (at % 6)))]));
const manifest = manifestOf({ refs });
const segments = (text: string) =>
  text
    .split('/')
    .filter((part) => part !== '')
    .map((part) => Buffer.from(part));

it('names each ref so that its URL means this ref and nothing else, whatever path follows', () => {
  for (const ref of REFS) {
    const name = linkName(manifest, ref);
    for (const path of PATHS) {
      const found = readRevision(manifest, segments(`${name}/${path}`));
      expect(found, `${name}/${path}`).toMatchObject({ ref, name, path: segments(path) });
    }
  }
});

it('calls a ref by its short name where that is enough', () => {
  const short = ['main', 'same', 'tree', 'v', 'same-folder/below'];
  expect(short.map((name) => linkName(manifest, `refs/heads/${name}`))).toEqual(short);
  expect(linkName(manifest, 'refs/tags/ü %')).toBe('ü %');
  expect(linkName(manifest, 'refs/tags/same')).toBe('refs/tags/same');
  expect(linkName(manifest, 'refs/tags/v/1.0')).toBe('refs/tags/v/1.0');
});

it('takes an id for a commit, whatever a branch is named like', () => {
  expect(readRevision(manifest, segments(`${ID}/x`))).toMatchObject({ ref: undefined, oid: ID });
  expect(readRevision(manifest, [])).toMatchObject({ ref: 'refs/heads/main' });
});

it('offers a bounded choice of branches and tags: the default branch and the highest versions first', () => {
  const many = new Map([
    ...Array.from({ length: 300 }, (_, at) => [`refs/heads/b${at}`, oid('a')] as const),
    ['refs/heads/main', oid('a')],
    ...Array.from({ length: 300 }, (_, at) => [`refs/tags/v1.${at}`, oid('a')] as const),
  ]);
  const { branches, tags } = refChoicesOf(manifestOf({ refs: many }));
  expect(branches.count).toBe(301);
  expect(branches.shown).toHaveLength(MOST_OFFERED.branches);
  expect(branches.shown.slice(0, 2).map(({ name }) => name)).toEqual(['main', 'b0']);
  expect(tags.shown).toHaveLength(MOST_OFFERED.tags);
  expect(tags.shown[0]).toEqual({ ref: 'refs/tags/v1.299', name: 'v1.299' });
});
