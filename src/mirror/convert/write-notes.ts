import { join } from 'node:path';
import { PACKED_BLOB, PACKED_COMMIT, PACKED_TREE } from '../../git/index.ts';
import { listParentsFirst } from '../../git-process/convert-commands.ts';
import { ObjectReader } from '../../git-process/read-objects.ts';
import { CairnError } from '../../lib/errors.ts';
import { LruMap } from '../../lib/lru.ts';
import { encodeCommitText, parseCommit } from './commit-text.ts';
import type { ConversionTally, ConvertedRef } from './conversion.ts';
import { NotesTree } from './notes-tree.ts';
import { objectId } from './object-id.ts';
import type { PackedType } from './object-table.ts';
import type { PreparedSource } from './prepared-source.ts';
import { eachLineOfGit } from './run-git.ts';
import { mostObjectBytes } from './source-objects.ts';
import { entryStarts } from './tree-translation.ts';
import { rewriteMessage } from './write-commits.ts';
import { type OpenPart, writePack } from './write-pack.ts';

/** Deepest folder in a tree of notes. git makes 19 levels at most. */
const DEEPEST = 64;
const OLD_TREES_BYTES = 16 * 2 ** 20;
const FOLDER = 0o040_000;
const SUBMODULE = 0o160_000;
const FILE_TYPE = 0o170_000;

/**
 * Converts notes refs. A note is a file whose path is the id of the object that it is about, so the names change as well, and
 * every tree of notes is made anew. The notes of one ref are in memory: about 400 bytes for each.
 */
export async function convertNotes(source: PreparedSource): Promise<void> {
  const { notesRefs, folder } = source;
  let converter: NotesConverter | undefined;
  await writePack(source, {
    kind: 'notes',
    step: 'notes',
    objects: notesRefs.length === 0 ? 0 : undefined,
    tally: () => converter?.tally ?? folder.progress.tally,
    async write(part) {
      const { git, gitDir, signal } = source.context;
      const paths = { gitDir, objects: join(gitDir, 'objects') };
      const reader = new ObjectReader(git, paths, mostObjectBytes, signal);
      try {
        converter = new NotesConverter(source, reader, part);
        for (const ref of notesRefs) await converter.convertRef(ref);
        await folder.save(converter.result());
      } finally {
        await reader.close();
      }
    },
  });
}

interface OldEntry {
  readonly name: string;
  readonly mode: string;
  readonly oid: string;
}

/** What a file of a tree of notes is, for the counts. */
type Meaning = 'note' | 'unknown' | 'other';

class NotesConverter {
  private readonly source: PreparedSource;
  private readonly reader: ObjectReader;
  private readonly part: OpenPart;
  private readonly commits = new Map<string, string>();
  private readonly blobs = new Map<string, Buffer>();
  private readonly trees = new Set<string>();
  private readonly oldTrees = new LruMap<string, readonly OldEntry[]>(OLD_TREES_BYTES);
  private readonly tips: Record<string, string> = {};
  private readonly total = { note: 0, unknown: 0, other: 0, leftOut: 0 };
  tally: ConversionTally;
  /** Trees that were written but not yet recorded in the pack. */
  private unsaid = 0;
  /** The tree of the last commit in both forms, and how many files of each meaning it has. */
  private state = { old: '', fresh: new NotesTree(), count: { note: 0, unknown: 0, other: 0, leftOut: 0 } };

  constructor(source: PreparedSource, reader: ObjectReader, part: OpenPart) {
    this.source = source;
    this.reader = reader;
    this.part = part;
    this.tally = source.folder.progress.tally;
  }

  result() {
    const { note, unknown, leftOut } = this.total;
    return { notesTips: this.tips, notes: { converted: note, unknown, leftOut } };
  }

  async convertRef({ name, oid }: ConvertedRef): Promise<void> {
    const { context, refs } = this.source;
    const input = [`${oid}\n`, ...refs.map((ref) => `^${ref.oid}\n`)];
    this.state = { old: '', fresh: new NotesTree(), count: { note: 0, unknown: 0, other: 0, leftOut: 0 } };
    let tree = '';
    await eachLineOfGit(
      context.git,
      listParentsFirst(context.gitDir),
      context.signal,
      input,
      async (line) => {
        if (this.commits.has(line)) return false;
        tree = await this.convertCommit(line);
        await this.source.pause();
        return false;
      },
    );
    // The last commit of the list is the tip, unless another ref has it, too.
    if (tree === '') {
      const text = parseCommit(await this.content(oid));
      await this.change(text.target);
    }
    this.tips[name] = this.newCommit(oid);
    for (const kind of ['note', 'unknown', 'leftOut'] as const) this.total[kind] += this.state.count[kind];
  }

  /** @returns the old id of its tree */
  private async convertCommit(oid: string): Promise<string> {
    const text = parseCommit(await this.content(oid));
    await this.change(text.target);
    const root = this.state.fresh.write((content) => this.writeTree(content));
    const { message, mentions, ambiguous, open } = rewriteMessage(this.source, text.message);
    const parents = text.parents.map((parent) => this.newCommit(parent));
    const content = encodeCommitText(text, root.toString('hex'), parents, message);
    this.commits.set(oid, this.write(PACKED_COMMIT, 'commit', content).toString('hex'));
    for (; this.unsaid > 0; this.unsaid--) await this.part.added(0);
    await this.part.added(0);
    this.tally = {
      ...this.tally,
      signaturesOfCommits: this.tally.signaturesOfCommits + text.signatures,
      mergetags: this.tally.mergetags + text.mergetags,
      mentions: this.tally.mentions + mentions,
      ambiguousMentions: this.tally.ambiguousMentions + ambiguous,
      circularMentions: this.tally.circularMentions + open,
    };
    return text.target;
  }

  private newCommit(oid: string): string {
    const known = this.commits.get(oid) ?? this.convertedId(oid)?.toString('hex');
    if (known === undefined)
      throw new CairnError('corrupt', `a notes commit has the parent ${oid}, which is missing`);
    return known;
  }

  /** Brings the new tree to the state of an old one, by what differs from the last old one. */
  private async change(oid: string): Promise<void> {
    const open = [{ path: [] as string[], before: this.state.old, after: oid }];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const { path, before, after } = next;
      if (path.length > DEEPEST) {
        throw new CairnError('invalid', `a notes ref has folders in more than ${DEEPEST} levels; exclude it`);
      }
      const old = new Map((await this.oldTree(before)).map((entry) => [entry.name, entry]));
      const fresh = new Map((await this.oldTree(after)).map((entry) => [entry.name, entry]));
      for (const name of new Set([...old.keys(), ...fresh.keys()])) {
        const [was, is] = [old.get(name), fresh.get(name)];
        if (was?.oid === is?.oid && was?.mode === is?.mode) continue;
        const [wasFolder, isFolder] = [folderId(was), folderId(is)];
        if (was !== undefined && wasFolder === '') this.remove([...path, name], was);
        if (wasFolder !== '' || isFolder !== '') {
          open.push({ path: [...path, name], before: wasFolder, after: isFolder });
        }
        if (is !== undefined && isFolder === '') await this.add([...path, name], is);
      }
    }
    this.state.old = oid;
  }

  private remove(path: readonly string[], { mode }: OldEntry): void {
    const { path: target, meaning } = this.meaningOf(path);
    if (typeOf(mode) === SUBMODULE) this.state.count.leftOut--;
    else {
      this.state.count[meaning]--;
      this.state.fresh.delete(target);
    }
  }

  private async add(path: readonly string[], { mode, oid }: OldEntry): Promise<void> {
    const { path: target, meaning } = this.meaningOf(path);
    if (typeOf(mode) === SUBMODULE) this.state.count.leftOut++;
    else {
      this.state.count[meaning]++;
      this.state.fresh.set(target, { mode, id: await this.newBlob(oid) });
    }
  }

  /** Where a file goes. A note about an object that is converted has one folder level, named after the first byte. */
  private meaningOf(path: readonly string[]): {
    readonly path: readonly string[];
    readonly meaning: Meaning;
  } {
    const id = path.join('');
    if (!/^[0-9a-f]{40}$/.test(id)) return { path, meaning: 'other' };
    const hex = this.convertedId(id)?.toString('hex');
    if (hex === undefined) return { path, meaning: 'unknown' };
    return { path: [hex.slice(0, 2), hex.slice(2)], meaning: 'note' };
  }

  private async newBlob(oid: string): Promise<Buffer> {
    const known = this.convertedId(oid) ?? this.blobs.get(oid);
    if (known !== undefined) return known;
    const id = this.write(PACKED_BLOB, 'blob', await this.content(oid));
    this.blobs.set(oid, id);
    await this.part.added(0);
    return id;
  }

  /** The new raw id of an object of the source pack. */
  private convertedId(oid: string): Buffer | undefined {
    const { objects, table } = this.source;
    const number = objects.findHex(oid);
    if (number === -1 || table.placeOf(number) === 0) return undefined;
    const id = Buffer.alloc(32);
    table.copyNewId(number, id, 0);
    return id;
  }

  private writeTree(content: Buffer): Buffer {
    const id = objectId('tree', content);
    const hex = id.toString('hex');
    if (this.trees.has(hex)) return id;
    this.trees.add(hex);
    this.part.writer.addWhole(PACKED_TREE, content);
    this.unsaid++;
    return id;
  }

  private write(type: PackedType, name: string, content: Buffer): Buffer {
    this.part.writer.addWhole(type, content);
    return objectId(name, content);
  }

  private async oldTree(oid: string): Promise<readonly OldEntry[]> {
    if (oid === '') return [];
    const known = this.oldTrees.get(oid);
    if (known !== undefined) return known;
    const tree = await this.content(oid);
    const starts = entryStarts(tree);
    const entries: OldEntry[] = [];
    for (let entry = 0; entry + 1 < starts.length; entry++) {
      const [from = 0, to = 0] = [starts[entry], starts[entry + 1]];
      const text = tree.toString('latin1', from, to - 21);
      const space = text.indexOf(' ');
      const id = tree.toString('hex', to - 20, to);
      entries.push({ mode: text.slice(0, space), name: text.slice(space + 1), oid: id });
    }
    this.oldTrees.set(oid, entries, 200 * entries.length + 200);
    return entries;
  }

  private async content(oid: string): Promise<Buffer> {
    let content: Buffer | undefined;
    for await (const object of this.reader.read([oid])) content = object.content;
    if (content === undefined)
      throw new CairnError('corrupt', `the source does not have ${oid}, which notes need`);
    return content;
  }
}

function typeOf(mode: string): number {
  return Number.parseInt(mode, 8) & FILE_TYPE;
}

function folderId(entry: OldEntry | undefined): string {
  return entry !== undefined && typeOf(entry.mode) === FOLDER ? entry.oid : '';
}
