import { describe, expect, test } from 'vitest';
import { parseFetch } from '../../../../src/git/protocol/fetch-arguments.ts';

const one = '1'.repeat(40);
const two = 'a2'.repeat(20);
const long = '3'.repeat(64);

describe('the arguments of fetch', () => {
  test('are each read into their own field', () => {
    const request = parseFetch(
      [
        `want ${one}`,
        `want ${two.toUpperCase()}`,
        `have ${two}`,
        'want-ref refs/heads/main',
        `shallow ${one}`,
        'deepen-since 1700000000',
        'deepen-not refs/heads/old',
        'deepen-relative',
        'filter blob:none',
        'thin-pack',
        'no-progress',
        'include-tag',
        'ofs-delta',
        'sideband-all',
        'packfile-uris http,https',
        'wait-for-done',
        'done',
      ],
      'sha1',
    );
    expect(request).toEqual({
      wants: [one, two],
      haves: [two],
      wantRefs: ['refs/heads/main'],
      shallow: [one],
      deepenSince: 1_700_000_000,
      deepenNot: ['refs/heads/old'],
      deepenRelative: true,
      filter: 'blob:none',
      thin: true,
      noProgress: true,
      includeTag: true,
      ofsDelta: true,
      sidebandAll: true,
      packfileUris: ['http', 'https'],
      waitForDone: true,
      done: true,
    });
  });

  test('are off by default', () => {
    expect(parseFetch([])).toEqual({
      wants: [],
      haves: [],
      wantRefs: [],
      shallow: [],
      deepenNot: [],
      deepenRelative: false,
      thin: false,
      noProgress: false,
      includeTag: false,
      ofsDelta: false,
      sidebandAll: false,
      packfileUris: [],
      waitForDone: false,
      done: false,
    });
    expect(parseFetch(['deepen 2147483647']).deepen).toBe(2_147_483_647);
  });

  test('have ids of the length of the format, or of either format if none is named', () => {
    expect(parseFetch([`want ${long}`], 'sha256').wants).toEqual([long]);
    expect(parseFetch([`want ${long}`, `have ${one}`])).toMatchObject({ wants: [long], haves: [one] });
    expect(() => parseFetch([`want ${long}`], 'sha1')).toThrow('expected an object id');
    expect(() => parseFetch([`want ${one}`], 'sha256')).toThrow('expected an object id');
  });

  test.each([
    ['an unknown word', ['frobnicate']],
    ['an empty line', ['']],
    ['a flag with a value', ['done 1']],
    ['a word without its value', ['want']],
    ['a want that is no id', ['want main']],
    ['a want with more behind it', [`want ${one} x`]],
    ['a have that is no id', ['have ']],
    ['a shallow that is no id', ['shallow x']],
    ['depth 0', ['deepen 0']],
    ['a negative depth', ['deepen -1']],
    ['a depth that is no number', ['deepen 1x']],
    ['a depth beyond 31 bits', ['deepen 2147483648']],
    ['a date that is none', ['deepen-since yesterday']],
    ['two filters', ['filter blob:none', 'filter tree:0']],
    ['depth and date', ['deepen 1', 'deepen-since 1']],
    ['depth and exclusion', ['deepen-not refs/heads/a', 'deepen 1']],
  ])('%s is refused', (_, args) => {
    expect(() => parseFetch(args, 'sha1')).toThrow(expect.objectContaining({ kind: 'invalid' }));
  });
});
