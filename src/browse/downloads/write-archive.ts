import { join } from 'node:path';
import { archiveCommit } from '../../git-process/download-commands.ts';
import type { RepositoryView } from '../repository-view.ts';
import { pipeOutput, type Sink } from './pipe-output.ts';
import type { ReflessFolders } from './refless-folder.ts';
import { compressZstandard } from './zstandard/compress-zstandard.ts';
import { ZSTANDARD_ENCODING } from './zstandard/zstandard-task.ts';

/** The endings of archives, and the types that they are sent as. */
export const ARCHIVE_TYPES = {
  tar: 'application/x-tar',
  'tar.gz': 'application/gzip',
  'tar.zst': 'application/zstd',
  zip: 'application/zip',
} as const;

export type ArchiveFormat = keyof typeof ARCHIVE_TYPES;

/** Processor time of one archive: some ten gigabytes of files. */
const SECONDS = 300;

/**
 * What the bytes of an archive of a format depend on, beside its content. They change with it.
 * @returns words that are part of the name of the archive in caches
 */
export function archiveEncoding(format: ArchiveFormat): readonly string[] {
  return format === 'tar.zst' ? [format, ZSTANDARD_ENCODING] : [format];
}

/**
 * Writes the files of a commit as an archive. Its bytes depend on nothing but the parameters, {@link archiveEncoding} and the
 * version of git. A `tar.zst` does not depend on the version of git either, unless its tar does.
 * @param prefix name of the folder that everything is in
 * @throws CairnError `unavailable` when git fails, `too-large` when it takes too long
 */
export async function writeArchive(
  view: RepositoryView,
  folders: ReflessFolders,
  parts: { readonly commit: string; readonly format: ArchiveFormat; readonly prefix: string },
  sink: Sink,
): Promise<void> {
  const { commit, format, prefix } = parts;
  const refless = await folders.path(view.manifest.objectFormat);
  const objects = join(await view.gitDir(), 'objects');
  const made = format === 'tar.zst' ? 'tar' : format;
  const running = view.git.start(archiveCommit(refless, objects, commit, made, prefix), {
    signal: view.signal,
  });
  running.stdin.end();
  running.stderr.resume();
  const output = running.stdout as AsyncIterable<Buffer>;
  const source = format === 'tar.zst' ? compressZstandard(output) : output;
  await pipeOutput('archive', running, source, sink, SECONDS);
}
