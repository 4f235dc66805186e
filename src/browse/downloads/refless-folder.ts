import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ObjectFormat } from '../../git/index.ts';
import { makeFolder, PRIVATE_FOLDER } from '../../lib/make-folder.ts';

const CONFIG: Readonly<Record<ObjectFormat, string>> = {
  sha1: '[core]\n\trepositoryformatversion = 0\n\tbare = true\n',
  sha256: '[core]\n\trepositoryformatversion = 1\n\tbare = true\n[extensions]\n\tobjectFormat = sha256\n',
};

/** What git needs of a bare repository. */
const ENTRIES = ['HEAD', 'config', 'objects', 'refs'];

/** Bare repositories without refs, one for each object format. Git reads objects of others through them. */
export class ReflessFolders {
  private readonly root: string;
  private readonly made = new Map<ObjectFormat, Promise<string>>();

  /** @param root a folder, which is made when it is needed */
  constructor(root: string) {
    this.root = root;
  }

  /** The path of the repository, which is made again if somebody has deleted it. @throws an error of the file system */
  async path(format: ObjectFormat): Promise<string> {
    const known = this.made.get(format);
    const path = await known;
    if (path !== undefined && (await isWhole(path))) return path;
    if (known === this.made.get(format)) this.made.delete(format);
    return this.made.get(format) ?? this.begin(format);
  }

  private begin(format: ObjectFormat): Promise<string> {
    const making = this.make(format);
    this.made.set(format, making);
    // What failed is tried again by the next one.
    making.catch(() => {
      if (this.made.get(format) === making) this.made.delete(format);
    });
    return making;
  }

  private async make(format: ObjectFormat): Promise<string> {
    const path = join(this.root, format);
    for (const folder of ['objects', 'refs']) await makeFolder(join(path, folder), PRIVATE_FOLDER);
    await writeFile(join(path, 'config'), CONFIG[format]);
    // There is no such branch.
    await writeFile(join(path, 'HEAD'), 'ref: refs/heads/none\n');
    return path;
  }
}

async function isWhole(path: string): Promise<boolean> {
  const found = await readdir(path).catch((): string[] => []);
  return ENTRIES.every((name) => found.includes(name));
}
