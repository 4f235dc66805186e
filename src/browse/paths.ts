/** Paths of git: names, which are bytes, with slashes between them. */

const SLASH = Buffer.from('/');

/** The names of a path, which is whole and has slashes. */
export function splitPath(path: Buffer): Buffer[] {
  const names: Buffer[] = [];
  let from = 0;
  for (let at = path.indexOf(0x2f); at !== -1; at = path.indexOf(0x2f, from)) {
    names.push(path.subarray(from, at));
    from = at + 1;
  }
  names.push(path.subarray(from));
  return names;
}

/** The path that has these names. */
export function joinPath(names: readonly Buffer[]): Buffer {
  return Buffer.concat(names.flatMap((name, at) => (at === 0 ? [name] : [SLASH, name])));
}

/** The same for people: what is not UTF-8 is replaced. */
export function pathText(names: readonly Buffer[]): string {
  return joinPath(names).toString('utf8');
}

/** Folders that a link may go through. */
const MOST_PARTS = 256;

/**
 * The path that a symbolic link means.
 * @param folder in which it lies
 * @returns undefined where it leads out of the repository
 */
export function linkedPath(folder: readonly Buffer[], target: Buffer): Buffer[] | undefined {
  const parts = splitPath(target);
  if (parts[0]?.length === 0 || parts.length > MOST_PARTS) return undefined;
  const path = [...folder];
  for (const part of parts) {
    const name = part.toString('latin1');
    if (name === '' || name === '.') continue;
    if (name !== '..') path.push(part);
    else if (path.pop() === undefined) return undefined;
  }
  return path;
}
