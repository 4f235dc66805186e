import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blobHistory, importInto, textHistory } from '../../../bench/generate.ts';
import { git, resolve } from '../../../bench/git-client.ts';

describe('generated repositories', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cairn-bench-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const shape = { seed: 4, files: 40, commits: 60, branches: 3, tags: 4 };

  it('have the same ids on every machine: a change of these ids needs a new generatorVersion', async () => {
    const text = join(folder, 'text.git');
    const blobs = join(folder, 'blobs.git');
    await importInto(text, textHistory(shape));
    await importInto(blobs, blobHistory({ seed: 5, count: 20, bytes: 1000 }));
    expect(await resolve(text, 'main')).toBe('45d45aa611dbccefc53c5c50f85a24d1d8e51d4e');
    expect(await resolve(text, 'refs/tags/v0.4')).toBe('39f20870c8603704ab2f02a6bbb60bbea16769ad');
    expect(await resolve(blobs, 'main')).toBe('b599be9e1876ccf98440054508c6c947ea9801e5');
  });

  it('are valid, in one pack, with the requested history', async () => {
    const path = join(folder, 'sound.git');
    await importInto(path, textHistory(shape));
    await git(['-C', path, 'fsck', '--strict']);
    const { stdout: counted } = await git(['-C', path, 'count-objects', '-v']);
    expect(counted).toMatch(/^count: 0$/m);
    expect(counted).toMatch(/^packs: 1$/m);
    expect((await git(['-C', path, 'rev-list', '--count', 'main'])).stdout.trim()).toBe('60');
    expect(
      (await git(['-C', path, 'for-each-ref', 'refs/heads/topic'])).stdout.trim().split('\n'),
    ).toHaveLength(3);
    const tags = (await git(['-C', path, 'for-each-ref', '--format=%(objecttype)', 'refs/tags'])).stdout;
    expect(tags.trim().split('\n')).toEqual(['tag', 'tag', 'tag', 'tag']);
  });

  it('hold one random file in memory at a time, and cannot be compressed', () => {
    const pieces = blobHistory({ seed: 6, count: 1_000_000, bytes: 100_000 });
    const blobs: Buffer[] = [];
    while (blobs.length < 3) {
      const { value } = pieces.next();
      if (Buffer.isBuffer(value)) blobs.push(value);
    }
    const whole = Buffer.concat(blobs);
    expect(deflateSync(whole).length).toBeGreaterThan(whole.length);
    expect(blobs[0]?.equals(blobs[1] ?? Buffer.alloc(0))).toBe(false);
  });
});
