import { PACKED_BLOB, PACKED_COMMIT, PACKED_TAG, PACKED_TREE } from '../../git/index.ts';
import { originNotesRef } from './conversion.ts';
import { objectId } from './object-id.ts';
import type { PackedType } from './object-table.ts';
import type { PreparedSource } from './prepared-source.ts';
import { SortedPack } from './sorted-pack.ts';
import { type OpenPart, writePack } from './write-pack.ts';

const NEW_ID_BYTES = 32;
const IDX_CACHE = 16 * 2 ** 20;

/** Up to so many notes have no folders, and up to so many have one level of them. */
const FEW = 256;
const MANY = 65_536;

/** The commit of the notes: the same history always has the same one. */
const SIGNATURE = 'Cairn <cairn@localhost> 0 +0000';
const MESSAGE = 'Notes with the SHA-1 ids of commits and tags before they were converted\n';

/** Writes the origin notes: each new commit and tag has a note with its old id. */
export async function writeOriginNotes(source: PreparedSource): Promise<void> {
  const { folder, options, counts } = source;
  const count = counts.commits + counts.tags;
  await writePack(source, {
    kind: 'origin',
    step: 'notes',
    objects: options.originNotes === false || count === 0 ? 0 : undefined,
    async write(part) {
      const tip = await writeNotes(source, part, count);
      await folder.save({ notesTips: { ...folder.progress.notesTips, [originNotesRef]: tip } });
    },
  });
}

async function writeNotes(source: PreparedSource, part: OpenPart, count: number): Promise<string> {
  const { folder, objects, pause } = source;
  const indexed = new SortedPack(
    folder.stemOf(folder.progress.packs.commits?.name ?? ''),
    NEW_ID_BYTES,
    IDX_CACHE,
  );
  try {
    const oldNumbers = await numbersByNewRank(source, indexed, count);
    const notes = new NotesWriter(part, count <= FEW ? 0 : count <= MANY ? 1 : 2);
    for (let rank = 0; rank < count; rank++) {
      await notes.add(indexed.idOf(rank), `${objects.idOf(oldNumbers[rank] ?? 0)}\n`);
      await pause();
    }
    return await notes.finish();
  } finally {
    indexed.close();
  }
}

/** The numbers of all commits and tags in the table, in the order of their new ids. */
async function numbersByNewRank(
  { table, objects, pause }: PreparedSource,
  indexed: SortedPack,
  count: number,
): Promise<Uint32Array> {
  const numbers = new Uint32Array(count);
  const id = Buffer.alloc(NEW_ID_BYTES);
  for (let number = 0; number < objects.count; number++) {
    const type = table.typeOf(number);
    if (type !== PACKED_COMMIT && type !== PACKED_TAG) continue;
    table.copyNewId(number, id, 0);
    numbers[indexed.find(id, 0)] = number;
    await pause();
  }
  return numbers;
}

/** Writes notes in the order of the ids that they are about. Only the folders on the way to the last one are in memory. */
class NotesWriter {
  private readonly part: OpenPart;
  private readonly levels: number;
  /** Entries of the open folder of each level; the notes are in the last. */
  private readonly entries: Buffer[][];
  private prefix = '';

  constructor(part: OpenPart, levels: number) {
    this.part = part;
    this.levels = levels;
    this.entries = Array.from({ length: levels + 1 }, () => []);
  }

  async add(id: string, text: string): Promise<void> {
    const prefix = id.slice(0, 2 * this.levels);
    for (let level = 0; level < this.levels; level++) {
      const end = 2 * (level + 1);
      if (this.prefix === '' || this.prefix.slice(0, end) === prefix.slice(0, end)) continue;
      await this.closeFolders(level);
      break;
    }
    this.prefix = prefix;
    const blob = await this.write(PACKED_BLOB, 'blob', Buffer.from(text));
    this.push(this.levels, `100644 ${id.slice(2 * this.levels)}`, blob);
  }

  /** Writes what is open, and the commit. @returns the commit's id */
  async finish(): Promise<string> {
    await this.closeFolders(0);
    const tree = await this.write(PACKED_TREE, 'tree', Buffer.concat(this.entries[0] ?? []));
    const lines = [`tree ${tree.toString('hex')}`, `author ${SIGNATURE}`, `committer ${SIGNATURE}`];
    const commit = Buffer.from(`${lines.join('\n')}\n\n${MESSAGE}`);
    return (await this.write(PACKED_COMMIT, 'commit', commit)).toString('hex');
  }

  /** Writes the open folders below a level. */
  private async closeFolders(level: number): Promise<void> {
    for (let deepest = this.levels; deepest > level; deepest--) {
      const content = Buffer.concat(this.entries[deepest] ?? []);
      this.entries[deepest] = [];
      const tree = await this.write(PACKED_TREE, 'tree', content);
      this.push(deepest - 1, `40000 ${this.prefix.slice(2 * (deepest - 1), 2 * deepest)}`, tree);
    }
  }

  private push(level: number, modeAndName: string, id: Buffer): void {
    this.entries[level]?.push(Buffer.concat([Buffer.from(`${modeAndName}\0`), id]));
  }

  private async write(type: PackedType, name: string, content: Buffer): Promise<Buffer> {
    this.part.writer.addWhole(type, content);
    await this.part.added(0);
    return objectId(name, content);
  }
}
