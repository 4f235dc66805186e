import { join } from 'node:path';
import { pipeline, type Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import { archiveCommit } from '../../git-process/download-commands.ts';
import { CairnError } from '../../lib/errors.ts';
import type { RepositoryView } from '../repository-view.ts';
import { pipeOutput, type Sink } from './pipe-output.ts';
import type { ReflessFolders } from './refless-folder.ts';

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
 * Writes the files of a commit as an archive. Its bytes depend on nothing but the parameters, and on the versions of git and
 * of Node.js.
 * @param prefix name of the folder that everything is in
 * @throws CairnError `unavailable` when git fails, `too-large` when it takes too long, `invalid` for a format that is not
 *   there (see {@link zstandardProblem})
 */
export async function writeArchive(
  view: RepositoryView,
  folders: ReflessFolders,
  parts: { readonly commit: string; readonly format: ArchiveFormat; readonly prefix: string },
  sink: Sink,
): Promise<void> {
  const { commit, format, prefix } = parts;
  const compress = format === 'tar.zst' ? zstandard() : undefined;
  const refless = await folders.path(view.manifest.objectFormat);
  const objects = join(await view.gitDir(), 'objects');
  const made = format === 'tar.zst' ? 'tar' : format;
  const running = view.git.start(archiveCommit(refless, objects, commit, made, prefix), {
    signal: view.signal,
  });
  running.stdin.end();
  running.stderr.resume();
  const source =
    compress === undefined ? running.stdout : pipeline(running.stdout, compress, () => undefined);
  await pipeOutput('archive', running, source as AsyncIterable<Buffer>, sink, SECONDS);
}

/** Why there are no archives in Zstandard here; undefined if there are. */
export function zstandardProblem(): string | undefined {
  if ('createZstdCompress' in zlib) return undefined;
  return `archives in Zstandard need Node.js 22.15 or newer, and this server runs on ${process.versions.node}: ask for .tar.gz`;
}

/** A compressor of Zstandard. Node.js 20 and its types have none. */
function zstandard(): Transform {
  const create: unknown = Reflect.get(zlib, 'createZstdCompress');
  if (typeof create !== 'function') throw new CairnError('invalid', zstandardProblem() ?? 'no Zstandard');
  return create();
}
