import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { importInto, textHistory } from '../../../bench/generate.ts';
import { git, resolve } from '../../../bench/git-client.ts';
import { withRefs } from '../../../bench/packed-refs.ts';

describe('packed-refs with more refs', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cairn-bench-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('lists them for git, beside the earlier refs and the peeled tags', async () => {
    const path = join(folder, 'packed.git');
    await importInto(path, textHistory({ seed: 9, files: 10, commits: 20, branches: 2, tags: 3 }));
    await git(['-C', path, 'pack-refs', '--all']);
    const listed = async () => (await git(['-C', path, 'show-ref', '-d'])).stdout.trim().split('\n').sort();
    const before = await listed();
    const oid = await resolve(path, 'main');
    const added = [1, 2, 10].map((number) => ({ oid, name: `refs/heads/many/0/branch-${number}` }));
    const file = join(path, 'packed-refs');
    await writeFile(file, withRefs(await readFile(file, 'utf8'), added));
    expect(await listed()).toEqual([...before, ...added.map(({ name }) => `${oid} ${name}`)].sort());
    expect(before.some((line) => line.endsWith('^{}'))).toBe(true);
    await git(['-C', path, 'fsck', '--no-dangling']);
  });
});
