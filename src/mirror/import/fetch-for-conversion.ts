import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isObjectId } from '../../git/index.ts';
import { systemCode } from '../../lib/errors.ts';
import { Scratch } from '../graph/scratch.ts';
import type { AskingRun } from '../run/ancestry.ts';
import { fetchPack } from '../run/fetch-pack.ts';

/**
 * Fetches what object ids of a SHA-1 source reach into a bare repository that stays. What an earlier call has fetched there is not
 * fetched again.
 * @param folder of this work alone
 * @returns the bare repository
 * @throws as `Source.fetch`; CairnError `corrupt` when git does not take the pack; what the file system throws
 */
export async function fetchForConversion(
  run: AskingRun,
  folder: string,
  wants: readonly string[],
): Promise<string> {
  const { source, scratch, observer, signal } = run;
  const gitDir = join(folder, 'source.git');
  const list = join(folder, 'fetched');
  const repository = await Scratch.at(scratch.git, gitDir, source.listing.objectFormat);
  const haves = await idsIn(list);
  const known = new Set(haves);
  const missing = [...new Set(wants)].filter((oid) => !known.has(oid));
  if (missing.length === 0) return gitDir;
  const { objects, pack } = await fetchPack(run, { wants: missing, haves });
  observer.phase('relaying');
  if (objects === 0) for await (const chunk of pack) observer.relayed(chunk.length);
  else await repository.index(counted(pack, run), objects, signal);
  await writeFile(`${list}.new`, `${[...haves, ...missing].join('\n')}\n`);
  await rename(`${list}.new`, list);
  return gitDir;
}

/** What was fetched whole; nothing at first. */
async function idsIn(list: string): Promise<string[]> {
  try {
    const lines = (await readFile(list, 'latin1')).split('\n');
    return lines.filter((line) => isObjectId(line, 'sha1'));
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    return [];
  }
}

async function* counted(pack: AsyncIterable<Buffer>, { observer }: AskingRun): AsyncGenerator<Buffer, void> {
  for await (const chunk of pack) {
    observer.relayed(chunk.length);
    yield chunk;
  }
}
