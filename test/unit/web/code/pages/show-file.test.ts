/** How much of a file is read and shown. */
import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { blobSize } from '../../../../../src/browse/objects.ts';
import { linkedPath } from '../../../../../src/browse/paths.ts';
import type { RepositoryView } from '../../../../../src/browse/repository-view.ts';
import { findEntry } from '../../../../../src/web/code/pages/file/find-file.ts';
import { showFile } from '../../../../../src/web/code/pages/file/show-file.ts';
import { NO_RENDERER } from '../../../../../src/web/render/render-pool.ts';
import { BrowseRig } from '../../../../helpers/browse-rig.ts';

const MIB = 1024 * 1024;
let rig: BrowseRig;
let view: RepositoryView;
let tip: string;

beforeAll(async () => {
  rig = await BrowseRig.open();
  const notebook = `{"nbformat":4,"cells":[],"x":"${'y'.repeat(4 * MIB)}`.slice(0, 4 * MIB - 2);
  await rig.client.commit('Begin', {
    fits: Buffer.alloc(MIB, 'line\n'),
    large: Buffer.alloc(MIB + 1, 'line\n'),
    'fits.ipynb': `${notebook}"}`,
    'large.ipynb': `${notebook}"} `,
    'large.png': Buffer.alloc(MIB + 1),
    'large.svg': Buffer.alloc(MIB + 1, 'x'),
    'small.png': `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 1\n`,
  });
  const modules = Buffer.alloc(256 * 1024 + 1, '\n');
  modules.write('[submodule "x"]\npath = sub\nurl = https://example.org/x\n');
  await writeFile(`${rig.client.folder}/.gitmodules`, modules);
  const target = await rig.client.run(['hash-object', '-w', '--stdin'], { input: 'x/'.repeat(4_097) });
  const head = await rig.client.oidOf('HEAD');
  for (const entry of [`160000,${head},sub`, `120000,${target},long`])
    await rig.client.run(['update-index', '--add', '--cacheinfo', entry]);
  await rig.client.run(['add', '.gitmodules']);
  await rig.client.run(['commit', '-qm', 'Special']);
  tip = await rig.client.oidOf('HEAD');
  view = await rig.view();
});
afterAll(() => rig[Symbol.asyncDispose]());

async function show(name: string) {
  const path = [Buffer.from(name)];
  const entry = await findEntry(view, { oid: tip, path });
  const size = entry.kind === 'submodule' ? undefined : await blobSize(view, entry.oid);
  const place = { files: '', raw: '', folder: [] };
  return showFile(
    { view, renderer: NO_RENDERER, representation: 'html' },
    { ...entry, path, size, plain: false, place },
  );
}

it('text files up to 1 MiB and notebooks up to 4 MiB are shown', async () => {
  expect((await show('fits')).lines?.lines).toHaveLength(20_000);
  expect(await show('large')).toEqual({ special: { is: 'too-large' } });
  expect((await show('fits.ipynb')).lines?.cut).toBe(true);
  expect(await show('large.ipynb')).toEqual({ special: { is: 'too-large' } });
});

it('pictures of any size are sent to the browser, and are no Git LFS pointers', async () => {
  expect(await show('large.png')).toEqual({ preview: { is: 'picture' } });
  expect(await show('large.svg')).toEqual({ preview: { is: 'picture' } });
  expect(await show('small.png')).toEqual({ special: { is: 'lfs', oid: '0'.repeat(64), size: 1 } });
});

it('symbolic links up to 8 KiB are followed, and .gitmodules up to 256 KiB is read', async () => {
  expect((await show('long')).special).toBeUndefined();
  expect(await show('sub')).toEqual({ special: { is: 'submodule', url: undefined } });
});

it.each([
  ['b', 'a/b'],
  ['./b//c/', 'a/b/c'],
  ['../b', 'b'],
  ['..', ''],
  ['../../b', undefined],
  ['/etc/passwd', undefined],
  ['', undefined],
])('a symbolic link to %j leads to %j', (target, path) => {
  const found = linkedPath([Buffer.from('a')], Buffer.from(target));
  expect(found?.map(String).join('/')).toBe(path);
});
