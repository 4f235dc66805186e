/**
 * Maps the key of an object to its path below the root folder, and back.
 *
 * Each segment of a key becomes a folder, the last one a file. Different keys have different paths:
 * - A file name ends in `@`, so that `a` (file `a@`) and `a/b` (file `a/b@`) can both exist. A file that was taken over as it was
 *   has no header, and its name ends in `@bare`.
 * - Each character except `a-z 0-9 _ - .` is written `%xx`, upper case included, so that `A` and `a` differ on a file
 *   system that ignores case. A leading `.` is written so too: no file is hidden, and no name is `.` or `..`.
 * - A segment of 80 bytes or more is cut into folders that end in `+`, because file systems limit names to 255 bytes.
 *   If nothing is left for the last folder, its name is `=`.
 */
const PIECE_BYTES = 80;

export interface ObjectPlace {
  /** Names of the folders from the root to the file. */
  readonly folders: readonly string[];
  readonly file: string;
  /** The name of the file that holds the body alone, where such a file was taken over. */
  readonly bareFile: string;
}

const BARE = 'bare';

/** The place of a valid key. No two keys have the same place. */
export function placeOfKey(key: string): ObjectPlace {
  const segments = key.split('/');
  const last = segments.pop() ?? '';
  const folders: string[] = [];
  for (const segment of segments) {
    const { whole, rest } = cut(segment);
    folders.push(...whole, rest === '' ? '=' : encode(rest));
  }
  const { whole, rest } = cut(last);
  const file = `${encode(rest)}@`;
  return { folders: [...folders, ...whole], file, bareFile: file + BARE };
}

function cut(segment: string): { readonly whole: readonly string[]; readonly rest: string } {
  const whole: string[] = [];
  let rest = segment;
  while (rest.length >= PIECE_BYTES) {
    whole.push(`${encode(rest.slice(0, PIECE_BYTES))}+`);
    rest = rest.slice(PIECE_BYTES);
  }
  return { whole, rest };
}

function encode(text: string): string {
  return text.replace(/^\.|[^a-z0-9_.-]/g, (character) => {
    return `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}

/** An entry of a folder: an object, or a folder of objects. */
export interface FolderEntry {
  readonly isObject: boolean;
  /** True for an object whose file has no header. */
  readonly isBare: boolean;
  readonly name: string;
  /**
   * The text that the entry adds to the key. Sorting entries by it sorts the keys below them: all keys below a folder
   * begin with its text, and no other entry's text lies between them.
   */
  readonly text: string;
}

/** Reads a name found in a folder. Undefined for a name that no key produces. */
export function readEntry(name: string, isFolder: boolean): FolderEntry | undefined {
  if (!isFolder) {
    const at = name.indexOf('@');
    const suffix = name.slice(at + 1);
    const text = at !== -1 && (suffix === '' || suffix === BARE) ? decode(name.slice(0, at)) : undefined;
    return text === undefined ? undefined : { isObject: true, isBare: suffix === BARE, name, text };
  }
  if (name === '=') return { isObject: false, isBare: false, name, text: '/' };
  const goesOn = name.endsWith('+');
  const text = decode(goesOn ? name.slice(0, -1) : name);
  if (text === undefined) return undefined;
  return { isObject: false, isBare: false, name, text: goesOn ? text : `${text}/` };
}

function decode(name: string): string | undefined {
  const text = name.replace(/%([0-9a-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return encode(text) === name ? text : undefined;
}
