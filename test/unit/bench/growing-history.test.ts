import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { git } from '../../../bench/git-client.ts';
import { blob, deltaBetween, packOf, tree } from '../../../bench/git-objects.ts';
import { GrowingHistory } from '../../../bench/growing-history.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cairn-bench-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function repository(name: string): Promise<string> {
  const path = join(folder, name);
  await git(['init', '--quiet', '--bare', '--initial-branch=main', path]);
  return path;
}

describe('objects made without git', () => {
  it('have the ids that git gives them, with trees in git’s order', async () => {
    const path = await repository('ids');
    const file = blob('hello\n');
    // A folder "b" sorts as "b/": behind "b.txt" and before "b0".
    const made = tree([
      { name: 'b0', object: file },
      { name: 'b', object: tree([{ name: 'x', object: file }]) },
      { name: 'b.txt', object: file },
    ]);
    const { stdout } = await git(['-C', path, 'hash-object', '-w', '--stdin'], { input: ['hello\n'] });
    expect(stdout.trim()).toBe(file.oid);
    const inner = `100644 blob ${file.oid}\tx\n`;
    const sub = (await git(['-C', path, 'mktree'], { input: [inner] })).stdout.trim();
    const lines = `100644 blob ${file.oid}\tb0\n040000 tree ${sub}\tb\n100644 blob ${file.oid}\tb.txt\n`;
    expect((await git(['-C', path, 'mktree'], { input: [lines] })).stdout.trim()).toBe(made.oid);
  });
});

describe('a growing history', () => {
  const steps = (seed: number, count: number) => {
    const history = new GrowingHistory(seed);
    return Array.from({ length: count }, () => history.next());
  };

  it('is the same for one seed, and grows by four objects per commit', () => {
    const [one, again, other] = [steps(1, 5), steps(1, 5), steps(2, 5)];
    expect(one.map((step) => step.oid)).toEqual(again.map((step) => step.oid));
    expect(one.map((step) => step.oid)).not.toEqual(other.map((step) => step.oid));
    expect(one.map((step) => step.objects.length)).toEqual([1 + 1 + 20 + 400, 4, 4, 4, 4]);
    expect(one.map((step) => step.parent)).toEqual([undefined, ...one.slice(0, -1).map((step) => step.oid)]);
  });

  it('passes git fsck when it is pushed step by step in thin packs', async () => {
    const path = await repository('thin');
    const all = steps(7, 30);
    for (const [at, step] of all.entries()) {
      const pack = packOf(step.entries);
      await git(['-C', path, 'index-pack', '--stdin', '--fix-thin', '--strict'], { input: [pack] });
      if (at > 0) expect(pack.length).toBeLessThan(1_000);
    }
    await git(['-C', path, 'update-ref', 'refs/heads/main', all.at(-1)?.oid ?? '']);
    await git(['-C', path, 'fsck', '--strict', '--no-dangling']);
    const { stdout } = await git(['-C', path, 'rev-list', '--count', 'main']);
    expect(stdout.trim()).toBe('30');
  });

  it('has the same objects in one whole pack', async () => {
    const path = await repository('whole');
    const all = steps(7, 30);
    const objects = all.flatMap((step) => step.objects);
    const file = join(folder, 'whole.pack');
    await writeFile(file, packOf(objects));
    await git(['-C', path, 'index-pack', '--strict', file]);
    await git(['-C', path, 'unpack-objects', '-q'], { input: [packOf(objects)] });
    await git(['-C', path, 'update-ref', 'refs/heads/main', all.at(-1)?.oid ?? '']);
    await git(['-C', path, 'fsck', '--strict', '--no-dangling']);
    const { stdout } = await git(['-C', path, 'rev-list', '--objects', 'main']);
    expect(
      new Set(
        stdout
          .trim()
          .split('\n')
          .map((line) => line.slice(0, 40)),
      ),
    ).toEqual(new Set(objects.map((object) => object.oid)));
  });
});

describe('a delta', () => {
  const base = Buffer.from('a'.repeat(300) + 'b'.repeat(300));
  for (const [what, target] of [
    ['an equal text', base],
    [
      'a changed middle longer than one instruction',
      Buffer.concat([base.subarray(0, 200), Buffer.alloc(500, 'x'), base.subarray(400)]),
    ],
    ['nothing in common', Buffer.from('zzz')],
    ['a longer text', Buffer.concat([base, base])],
    ['a shorter text', base.subarray(100, 301)],
  ] as const) {
    it(`encodes ${what} so that git can apply it`, async () => {
      const path = await repository(`delta-${what.replaceAll(' ', '-')}`);
      const [from, to] = [blob(base.toString()), blob(target.toString())];
      expect(deltaBetween(from.content, to.content).length).toBeGreaterThan(0);
      const pack = packOf([from, ...(from.oid === to.oid ? [] : [{ object: to, base: from }])]);
      await git(['-C', path, 'index-pack', '--stdin', '--strict'], { input: [pack] });
      const { stdout } = await git(['-C', path, 'cat-file', 'blob', to.oid]);
      expect(stdout).toBe(target.toString());
    });
  }
});
