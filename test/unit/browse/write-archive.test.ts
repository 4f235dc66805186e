import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { decompress } from 'fzstd';
import { expect, it } from 'vitest';
import { ReflessFolders } from '../../../src/browse/downloads/refless-folder.ts';
import { type ArchiveFormat, writeArchive } from '../../../src/browse/downloads/write-archive.ts';
import { writeBlob } from '../../../src/browse/downloads/write-blob.ts';
import { BrowseRig } from '../../helpers/browse-rig.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

it.each(['sha1', 'sha256'] as const)('archives and files of %s are those of git', async (format) => {
  await using rig = await BrowseRig.open(format);
  await using folder = await tempDir('cairn-refless');
  const { client } = rig;
  const content = Buffer.alloc(300_000, 'some text, \n and more');
  const commit = await client.commit('Begin', { 'a/b': content, 'odd \n name': 'x' });
  await client.run(['branch', 'seen-by-nobody']);
  const view = await rig.view();
  const refless = new ReflessFolders(folder.path);
  const written = async (work: (sink: { write(chunk: Uint8Array): Promise<boolean> }) => Promise<void>) => {
    const chunks: Uint8Array[] = [];
    await work({ write: async (chunk) => chunks.push(chunk) > 0 });
    return Buffer.concat(chunks);
  };
  for (const kind of ['tar', 'tar.gz', 'zip'] as const satisfies readonly ArchiveFormat[]) {
    const made = await written((sink) =>
      writeArchive(view, refless, { commit, format: kind, prefix: 'x-1' }, sink),
    );
    const path = `${folder.path}/made.${kind}`;
    await client.run(['archive', `--format=${kind}`, '--prefix=x-1/', `--output=${path}`, commit], {
      env: { TZ: 'UTC' },
    });
    expect(digest(made), kind).toBe(digest(await readFile(path)));
  }
  const parts = { commit, format: 'tar.zst', prefix: 'x-1' } as const;
  const packed = await written((sink) => writeArchive(view, refless, parts, sink));
  expect(digest(decompress(packed))).toBe(digest(await readFile(`${folder.path}/made.tar`)));
  const blob = await client.run(['rev-parse', `${commit}:a/b`]);
  expect(digest(await written((sink) => writeBlob(view, blob, content.length, sink)))).toBe(digest(content));
});

it.each(['tar', 'tar.zst'] as const)(
  'git ends when nobody reads %s any more, and when the visitor leaves',
  async (format) => {
    await using rig = await BrowseRig.open();
    await using folder = await tempDir('cairn-refless');
    // Random, so that some of it comes out of the compressor before all of it is in.
    const content = randomBytes(3_000_000);
    const commit = await rig.client.commit('Begin', { large: content });
    const view = await rig.view();
    let writes = 0;
    const parts = { commit, format, prefix: 'x' } as const;
    const once = { write: async () => ++writes > 1 };
    await writeArchive(view, new ReflessFolders(folder.path), parts, once);
    expect(writes).toBe(1);
    const visit = new AbortController();
    const leaving = writeArchive(await rig.view(visit.signal), new ReflessFolders(folder.path), parts, {
      write: async () => {
        visit.abort();
        return true;
      },
    });
    await expect(leaving).rejects.toThrow();
    expect(view.git.running).toBe(0);
  },
);
