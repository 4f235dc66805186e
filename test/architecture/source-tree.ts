import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';

/** One import or re-export of a source file. */
export interface Import {
  /** As written: `./x.ts`, `node:fs`, `hono`. */
  readonly specifier: string;
  /** Path from the repository's root for a relative import, else undefined. */
  readonly file: string | undefined;
}

export interface SourceFile {
  /** Path from the repository's root, with `/`. */
  readonly path: string;
  /** Folder below `src/`; empty for a file that lies in `src/` itself. */
  readonly folder: string;
  readonly text: string;
  /** `text` with comments blanked out, line for line. */
  readonly code: string;
  readonly imports: readonly Import[];
}

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** Every TypeScript file below `src/`. */
export function sourceFiles(): SourceFile[] {
  const entries = readdirSync(join(ROOT, 'src'), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => read(posix.join('src', relativeToSource(entry.parentPath), entry.name)))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** A file of the repository as text; `path` from its root. */
export function readText(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

function relativeToSource(folder: string): string {
  return folder.slice(join(ROOT, 'src').length).replaceAll('\\', '/').replace(/^\//, '');
}

function read(path: string): SourceFile {
  const text = readText(path);
  const code = withoutComments(text);
  const [, folder = ''] = /^src\/([^/]+)\//.exec(path) ?? [];
  return { path, folder, text, code, imports: importsOf(path, code) };
}

function importsOf(path: string, code: string): Import[] {
  const found = code.matchAll(/(?:(?<!')\bfrom\s*|(?<!')\bimport\s*\(?\s*)'([^']+)'/g);
  return [...found].map(([, specifier = '']) => {
    const relative = specifier.startsWith('.');
    return { specifier, file: relative ? posix.join(posix.dirname(path), specifier) : undefined };
  });
}

/** Blanks comments; a `//` right behind a colon is part of a URL. */
function withoutComments(text: string): string {
  const blank = (comment: string) => comment.replace(/[^\n]/g, ' ');
  return text.replace(/\/\*[\s\S]*?\*\//g, blank).replace(/(?<![:'"`])\/\/.*$/gm, blank);
}
