/** Id and mode of a file. */
export interface TreeFile {
  readonly mode: string;
  /** Raw SHA-256 id. */
  readonly id: Buffer;
}

interface Folder {
  readonly entries: Map<string, Folder | TreeFile>;
  /** Its id when it was last written; undefined if it has changed since. */
  id: Buffer | undefined;
}

const FOLDER_MODE = '40000';

/**
 * A tree that changes a little from one commit to the next: only folders that changed are written again. Names have a
 * character for each byte (latin1).
 */
export class NotesTree {
  private readonly root: Folder = { entries: new Map(), id: undefined };

  /** Adds or replaces a file. A file on the way to it gives way to a folder. */
  set(path: readonly string[], file: TreeFile): void {
    let folder = this.root;
    folder.id = undefined;
    for (const name of path.slice(0, -1)) {
      const entry = folder.entries.get(name);
      const next = entry !== undefined && 'entries' in entry ? entry : { entries: new Map(), id: undefined };
      folder.entries.set(name, next);
      next.id = undefined;
      folder = next;
    }
    folder.entries.set(path.at(-1) ?? '', file);
  }

  /** Removes a file, and folders that are empty then. */
  delete(path: readonly string[]): void {
    const folders = [this.root];
    for (const name of path.slice(0, -1)) {
      const entry = folders.at(-1)?.entries.get(name);
      if (entry === undefined || !('entries' in entry)) return;
      folders.push(entry);
    }
    for (let depth = folders.length - 1; depth >= 0; depth--) {
      const folder = folders[depth];
      if (folder === undefined) return;
      folder.id = undefined;
      const entry = folder.entries.get(path[depth] ?? '');
      const isEmpty = entry !== undefined && 'entries' in entry && entry.entries.size === 0;
      if (depth === folders.length - 1 || isEmpty) folder.entries.delete(path[depth] ?? '');
    }
  }

  /**
   * Writes what has changed.
   * @param writeTree writes a tree and returns its raw id
   * @returns the raw id of the whole
   */
  write(writeTree: (content: Buffer) => Buffer): Buffer {
    return writeFolder(this.root, writeTree);
  }
}

/** The depth of folders is bounded where they are read. */
function writeFolder(folder: Folder, writeTree: (content: Buffer) => Buffer): Buffer {
  if (folder.id !== undefined) return folder.id;
  const entries = [...folder.entries].map(([name, entry]) => {
    const isFolder = 'entries' in entry;
    const id = isFolder ? writeFolder(entry, writeTree) : entry.id;
    const head = Buffer.from(`${isFolder ? FOLDER_MODE : entry.mode} ${name}\0`, 'latin1');
    return { order: isFolder ? `${name}/` : name, bytes: Buffer.concat([head, id]) };
  });
  // git sorts folders as if their names ended with a slash. A character is a byte, so this is the order of bytes.
  entries.sort((a, b) => (a.order < b.order ? -1 : a.order > b.order ? 1 : 0));
  folder.id = writeTree(Buffer.concat(entries.map(({ bytes }) => bytes)));
  return folder.id;
}
