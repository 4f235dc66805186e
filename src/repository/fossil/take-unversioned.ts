import type { ArtifactName } from '../../fossil/artifact-name.ts';
import { deflatePayloadAside } from '../../fossil/compression.ts';
import {
  compareUnversioned,
  isUnversionedName,
  isUnversionedTime,
  type UnversionedFile,
} from '../../fossil/unversioned.ts';
import { CairnError } from '../../lib/errors.ts';
import { type Bytes, inMemory } from '../../lib/file-bytes.ts';
import type { Bag } from './bag.ts';
import { LARGE_CONTENT } from './content-maker.ts';
import { hasName } from './has-name.ts';
import type { IntakeLimits } from './intake-limits.ts';
import type { PackBuilder } from './pack-builder.ts';
import { flags } from './pack-index.ts';
import type { ReceivedUnversioned } from './prepared-artifacts.ts';

/**
 * Verifies versions of unversioned files, and adds those that replace what is here. A version whose content neither came nor is
 * here is left out: the next round asks for it.
 * @returns the versions that were added, and the contents of the bag that they have
 * @throws CairnError `invalid` or `too-large`, naming the file at fault
 */
export async function takeUnversioned(
  bag: Bag,
  received: readonly ReceivedUnversioned<Bytes>[],
  builder: PackBuilder,
  limits: IntakeLimits,
): Promise<{ readonly files: readonly UnversionedFile[]; readonly contents: ReadonlySet<ArtifactName> }> {
  if (received.length === 0) return { files: [], contents: new Set() };
  const here = new Map(bag.view.unversioned);
  const added = new Map<string, UnversionedFile>();
  /** Bytes of the contents that are here. */
  const contents = new Map([...bag.view.contents].map(([hash, { size }]) => [hash, size]));
  for (const file of received) {
    const problem = await problemOf(file);
    if (problem !== undefined) {
      throw new CairnError('invalid', `unversioned file ${JSON.stringify(file.name)}: ${problem}`);
    }
    const { name, time, hash, content } = file;
    // Of a content that is here, the sender may be wrong.
    const size = (hash === undefined ? undefined : contents.get(hash)) ?? file.size;
    if (size > limits.artifact) {
      throw new CairnError('too-large', `unversioned file ${name}: more than ${limits.artifact} bytes`);
    }
    if (compareUnversioned(here.get(name), file) > 2) continue;
    if (hash !== undefined && !contents.has(hash)) {
      if (content === undefined) continue;
      const record = { name: hash, flags: flags.unversioned, depth: 0, size };
      if (content.length > LARGE_CONTENT) await builder.addContent(record, content);
      else await builder.add(record, await deflatePayloadAside(await inMemory(content)));
      contents.set(hash, size);
    }
    const version = { name, time, hash, size };
    here.set(name, version);
    added.set(name, version);
  }
  let bytes = 0;
  for (const { size } of here.values()) bytes += size;
  if (added.size > 0 && (here.size > limits.unversionedFiles || bytes > limits.unversioned)) {
    throw new CairnError(
      'too-large',
      `a repository may have ${limits.unversionedFiles} unversioned files of ${limits.unversioned} bytes in all`,
    );
  }
  for (const version of added.values()) builder.addUnversioned(version);
  const known = [...added.values()].flatMap(({ hash }) => (hash === undefined ? [] : [hash]));
  return {
    files: [...added.values()],
    contents: new Set(known.filter((hash) => bag.view.contents.has(hash))),
  };
}

async function problemOf({
  name,
  time,
  hash,
  size,
  content,
}: ReceivedUnversioned<Bytes>): Promise<string | undefined> {
  if (!isUnversionedName(name)) return 'this name is not allowed';
  if (!isUnversionedTime(time)) return 'its time is not one';
  if (hash === undefined)
    return size === 0 && content === undefined ? undefined : 'it is deleted and has a content';
  if (content === undefined) return undefined;
  if (content.length !== size) return 'its content has another size than declared';
  return (await hasName(hash, content)) ? undefined : 'its content is not what its hash says';
}
