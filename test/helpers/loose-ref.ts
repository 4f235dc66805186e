import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * What a name means in a repository, as far as files with one ref each tell.
 * @param top the repository's own folder, `.git` of a working tree
 * @returns undefined when they do not: git has to be asked
 */
export function looseRef(top: string, name: string): string | undefined {
  if (name === 'HEAD') {
    const head = read(top, name);
    return head?.startsWith('ref: ') ? read(top, head.slice('ref: '.length)) : head;
  }
  if (/^refs\/[\w./-]+$/.test(name)) return direct(read(top, name));
  // Tags come before branches, and may be packed.
  const isPlain = /^[a-z][\w-]*$/.test(name) && !existsSync(join(top, 'packed-refs'));
  if (!isPlain || existsSync(join(top, name)) || existsSync(join(top, 'refs', name))) return undefined;
  return direct(read(top, `refs/tags/${name}`) ?? read(top, `refs/heads/${name}`));
}

function direct(value: string | undefined): string | undefined {
  return value === undefined || value.startsWith('ref: ') ? undefined : value;
}

function read(top: string, name: string): string | undefined {
  try {
    return readFileSync(join(top, name), 'utf8').trim();
  } catch {
    // Packed, or not there; or, in a linked working tree, `.git` is a file.
    return undefined;
  }
}
