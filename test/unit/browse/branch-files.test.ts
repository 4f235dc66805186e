import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { branchFilesOf, knownBranchFiles } from '../../../src/browse/branch-files.ts';
import { languagesOf } from '../../../src/browse/languages/languages.ts';
import { mailmapOf } from '../../../src/browse/mailmap.ts';
import type { RepositoryView } from '../../../src/browse/repository-view.ts';
import { BrowseRig } from '../../helpers/browse-rig.ts';

const PERSON = { name: 'A User', email: 'user@example.com' };
const DAMAGES = {
  deleted: async () => undefined,
  overwritten: (path: string) => writeFile(path, 'not an object'),
  emptied: (path: string) => writeFile(path, ''),
};

/** Asks a copy without an object, and then a whole one. @param damage makes something else of the object's file */
async function askedWithout<T>(
  rig: BrowseRig,
  oid: string,
  damage: (path: string) => Promise<void>,
  ask: (view: RepositoryView) => Promise<T>,
): Promise<{ readonly damaged: T | 'failed'; readonly cuts: number; readonly whole: T }> {
  const path = join(rig.client.folder, '.git/objects', oid.slice(0, 2), oid.slice(2));
  const view = await rig.view();
  await rename(path, `${path}.kept`);
  await damage(path);
  let cuts = 0;
  const damaged = await ask({ ...view, onCut: () => void cuts++ }).catch(() => 'failed' as const);
  await rm(path, { force: true });
  await rename(`${path}.kept`, path);
  return { damaged, cuts, whole: await ask(await rig.view()) };
}

it('whatever a damaged copy lacks of the default branch, a whole one still has', async () => {
  for (const format of ['sha1', 'sha256'] as const) {
    await using rig = await BrowseRig.open(format);
    const { client } = rig;
    for (const [name, damage] of Object.entries(DAMAGES)) {
      for (const lost of ['main', 'main^{tree}', 'main:.mailmap', 'main:.gitsigners']) {
        const what = `${format}: ${lost} ${name}`;
        await client.commit(what, {
          '.mailmap': `${what} <user@example.com>\n`,
          '.gitsigners': `# ${what}\n`,
        });
        const oid = await client.run(['rev-parse', lost]);
        const { damaged, cuts, whole } = await askedWithout(rig, oid, damage, async (view) => ({
          name: (await mailmapOf(view)).apply(PERSON).name,
          signers: (await branchFilesOf(view)).signers,
        }));
        const signers = await client.run(['rev-parse', 'main:.gitsigners']);
        expect(whole, what).toEqual({ name: what, signers });
        // A page that is made of it is kept for a short time alone.
        if (lost !== 'main:.gitsigners' && damaged !== 'failed') {
          expect(damaged.name, what).toBe('A User');
          expect(cuts, what).toBeGreaterThan(0);
        }
      }
    }
  }
});

it('a branch without such files, a tip that is no commit, and a commit that is too large are remembered', async () => {
  await using rig = await BrowseRig.open();
  const { client } = rig;
  await client.commit('None', { a: '1' });
  const large = await client.run(['commit-tree', 'main^{tree}'], { input: 'x'.repeat(2 ** 20) });
  const blob = await client.run(['rev-parse', 'main:a']);
  const { manifest, ...view } = await rig.view();
  for (const tip of [await client.oidOf('main'), large, blob]) {
    const at = { ...manifest, refs: new Map([[manifest.head, tip]]) };
    expect(knownBranchFiles(at)).toBeUndefined();
    await branchFilesOf({ ...view, manifest: at });
    expect(knownBranchFiles(at)).toEqual({ mailmap: undefined, signers: undefined });
  }
  expect(knownBranchFiles({ ...manifest, refs: new Map() })).toEqual({});
});

it('who reads a mailmap at the same time as a damaged copy still finds it', async () => {
  await using rig = await BrowseRig.open();
  const reads = { missing: async () => undefined, fails: () => Promise.reject(new Error('no git')) };
  for (const [name, read] of Object.entries(reads)) {
    await rig.client.commit(name, { '.mailmap': `${name} <user@example.com>\n` });
    const whole = await rig.view();
    await branchFilesOf(whole);
    const lacking = { ...whole, session: { read } as unknown as RepositoryView['session'] };
    const [, second] = await Promise.allSettled([mailmapOf(lacking), mailmapOf(whole)]);
    expect(second.status === 'fulfilled' && second.value.apply(PERSON).name).toBe(name);
  }
});

it('languages of a tree that lacks a file are not remembered', async () => {
  await using rig = await BrowseRig.open();
  const { client } = rig;
  // Few files are asked for one by one, many are listed.
  for (const files of [1, 600]) {
    for (const [name, damage] of Object.entries(DAMAGES)) {
      const texts = Array.from({ length: files }, (_, at) => `// ${name} ${files} ${at}\n`);
      await client.commit(name, Object.fromEntries(texts.map((text, at) => [`${at}.c`, text])));
      const tree = await client.run(['rev-parse', 'main^{tree}']);
      const oid = await client.run(['rev-parse', 'main:0.c']);
      const { damaged, whole } = await askedWithout(rig, oid, damage, (view) => languagesOf(view, tree));
      expect(whole, `${files} ${name}`).toEqual([{ name: 'C', bytes: texts.join('').length }]);
      expect(['failed', []], `${files} ${name}`).toContainEqual(damaged);
    }
  }
});
