import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { encodePackedRefs } from '../../../../src/git/refs/packed-refs.ts';
import { RealRepository } from '../real-git.ts';

test('the file equals that of git, byte for byte', () => {
  using repository = new RealRepository();
  repository.populate();
  const { refs, peeled } = repository.refs();
  repository.git(['pack-refs', '--all', '--prune']);
  const expected = readFileSync(join(repository.path, 'packed-refs'));
  expect(encodePackedRefs(refs, peeled).toString()).toBe(expected.toString());
});

test('git finds every ref in it, beyond the BMP too', () => {
  using repository = new RealRepository();
  repository.populate();
  const listed = repository.refs();
  rmSync(join(repository.path, 'refs/heads'), { recursive: true });
  rmSync(join(repository.path, 'refs/tags'), { recursive: true });
  expect(repository.git(['for-each-ref']).toString()).toBe('');
  writeFileSync(join(repository.path, 'packed-refs'), encodePackedRefs(listed.refs, listed.peeled));
  expect(repository.refs()).toEqual(listed);
  for (const [name, oid] of listed.refs) {
    expect(repository.git(['rev-parse', '--verify', name]).toString().trim()).toBe(oid);
  }
});

test('the file without refs is the header', () => {
  expect(encodePackedRefs([], new Map()).toString()).toBe('# pack-refs with: peeled fully-peeled sorted \n');
});
