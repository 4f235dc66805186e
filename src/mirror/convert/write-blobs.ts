import { PACKED_BLOB } from '../../git/index.ts';
import type { PackWriter } from './pack-writer.ts';
import type { PreparedSource } from './prepared-source.ts';
import { SortedPack } from './sorted-pack.ts';
import { writePack } from './write-pack.ts';

const NEW_ID_BYTES = 32;
/** Bytes of an entry that are copied at a time. */
const PIECE = 64 * 1024;
const IDX_CACHE = 16 * 2 ** 20;

/**
 * Converts all blobs. A blob is the same in both formats, and so is a delta between two of them: their entries are copied as
 * they are, and nothing is inflated here. git finds their new ids when it indexes the pack.
 */
export async function convertBlobs(source: PreparedSource): Promise<void> {
  const { counts, folder } = source;
  await writePack(source, {
    kind: 'blobs',
    step: 'blobs',
    objects: counts.blobs,
    async write(part) {
      for (let number = part.next; number < source.objects.count; number++) {
        if (source.table.typeOf(number) !== PACKED_BLOB) continue;
        copyEntry(source, part.writer, number);
        await part.added(number + 1);
        await source.pause();
      }
    },
  });
  if (folder.progress.areBlobsRecorded !== true) await recordNewIds(source);
}

function copyEntry({ objects, table }: PreparedSource, writer: PackWriter, number: number): void {
  const { offset, size, base } = table.entryOf(number);
  const { length } = objects.headerAt(offset);
  const place =
    base === -1
      ? writer.beginEntry(PACKED_BLOB, size)
      : writer.beginEntry(PACKED_BLOB, size, table.placeOf(base));
  const end = objects.endOf(number);
  for (let at = offset + length; at < end; at += PIECE) {
    writer.append(objects.read(at, Math.min(PIECE, end - at)));
  }
  table.setPlace(number, place);
}

/** Takes the new ids from the idx: the blobs have the same order in both packs. */
async function recordNewIds(source: PreparedSource): Promise<void> {
  const { folder, table, objects, pause } = source;
  const pack = folder.progress.packs.blobs;
  if (pack !== undefined && pack.objects > 0) {
    const indexed = new SortedPack(folder.stemOf(pack.name), NEW_ID_BYTES, IDX_CACHE);
    try {
      const id = Buffer.alloc(NEW_ID_BYTES);
      let position = 0;
      for (let number = 0; number < objects.count; number++) {
        if (table.typeOf(number) !== PACKED_BLOB) continue;
        indexed.copyId(indexed.rankAt(position++), id);
        table.setNewId(number, id);
        await pause();
      }
    } finally {
      indexed.close();
    }
    table.flush();
  }
  await folder.save({ areBlobsRecorded: true });
}
