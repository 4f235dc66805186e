import { isUtf8 } from 'node:buffer';
import { compareBytes } from '../../lib/byte-order.ts';
import { type Cooperative, filtered, sorted } from '../../lib/cooperative.ts';

/** The longest ref name Cairn stores, in bytes of UTF-8. */
export const maxRefNameBytes = 1024;

/** Matches nearly all valid names in one step: every ref of a manifest is checked when it is read. */
const ordinaryName = /^refs(?:\/[A-Za-z0-9_-]+){2,}$/;

/**
 * Why `name` is not a valid ref name here; undefined if it is valid.
 *
 * The rules are those of `git check-ref-format`, and four of Cairn's own. The name is below `refs/`. It is in a folder
 * there: git's client does not see `refs/x` when it pushes, so it could neither update nor delete it, and git's
 * receive-pack refuses to create it. It is valid UTF-8 (no lone surrogates), because it is stored in JSON. It has at most
 * {@link maxRefNameBytes} bytes.
 */
export function refNameProblem(name: string): string | undefined {
  if (name.length <= maxRefNameBytes && ordinaryName.test(name)) return undefined;
  if (!name.startsWith('refs/')) return 'a ref name must start with "refs/"';
  if (/[\ud800-\udfff]/u.test(name)) return 'a ref name must be valid UTF-8';
  if (Buffer.byteLength(name) > maxRefNameBytes) {
    return `a ref name must not be longer than ${maxRefNameBytes} bytes`;
  }
  const problem = refFormatProblem(name);
  if (problem !== undefined) return problem;
  if (name.indexOf('/', 'refs/'.length) === -1) return 'a ref name must have a folder below "refs/"';
  return undefined;
}

/** Why `name` breaks a rule of `git check-ref-format`; undefined if it keeps them all. */
export function refFormatProblem(name: string): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(name)) return 'a ref name must not contain control characters';
  const forbidden = /[ ~^:?*[\\]/.exec(name);
  if (forbidden) return `a ref name must not contain "${forbidden[0]}"`;
  if (name.includes('..')) return 'a ref name must not contain ".."';
  if (name.includes('@{')) return 'a ref name must not contain "@{"';
  if (name.endsWith('.')) return 'a ref name must not end with "."';
  for (const component of name.split('/')) {
    if (component === '') return 'a ref name must not end with "/" or contain "//"';
    if (component.startsWith('.')) return 'no part of a ref name may start with "."';
    if (component.endsWith('.lock')) return 'no part of a ref name may end with ".lock"';
  }
  return undefined;
}

/**
 * The longest part of the name of a new ref, in bytes. Clients keep a ref as a file of that name and lock it with another one, which
 * ends in `.lock`; file systems allow 255 bytes. With a longer one, `git fetch` fails in every clone.
 */
export const maxRefPartBytes = 250;

/** Why no ref of this name may be made, although it may be there from before; undefined if it may. */
export function longPartProblem(name: string): string | undefined {
  // No character has more than three bytes for each UTF-16 unit.
  if (name.length * 3 <= maxRefPartBytes) return undefined;
  return name.split('/').some((part) => Buffer.byteLength(part) > maxRefPartBytes)
    ? `no part of a ref name may be longer than ${maxRefPartBytes} bytes`
    : undefined;
}

/** Decodes a ref name; undefined if `bytes` are not valid UTF-8. It checks none of the other rules. */
export function decodeRefName(bytes: Uint8Array): string | undefined {
  if (!isUtf8(bytes)) return undefined;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

/** True for a ref below `refs/heads/`. */
export function isBranch(name: string): boolean {
  return name.startsWith('refs/heads/');
}

/** True for a ref below `refs/tags/`. */
export function isTag(name: string): boolean {
  return name.startsWith('refs/tags/');
}

/** True for a branch or a tag: the refs that signed states and receipts list. */
export function isBranchOrTag(name: string): boolean {
  return isBranch(name) || isTag(name);
}

/** A new array of `names`, sorted by {@link compareBytes}. */
export function sortByBytes(names: Iterable<string>): string[] {
  const sorted = [...names];
  // Without surrogates both orders are the same, and the built-in sort is many times faster.
  const sameOrder = !sorted.some((name) => /[\ud800-\udfff]/.test(name));
  return sameOrder ? sorted.sort() : sorted.sort(compareBytes);
}

/** The same for very many names: it yields to other work. */
export function* sortingByBytes(names: Iterable<string>): Cooperative<string[]> {
  const all = [...names];
  const withSurrogates = yield* filtered(all, (name) => /[\ud800-\udfff]/.test(name));
  return yield* sorted(
    all,
    withSurrogates.length === 0 ? (a, b) => (a < b ? -1 : a > b ? 1 : 0) : compareBytes,
  );
}

/** A copy of `refs`, sorted by {@link compareBytes}. */
export function refsInByteOrder(refs: ReadonlyMap<string, string>): Map<string, string> {
  return new Map(sortByBytes(refs.keys()).map((name) => [name, refs.get(name) ?? '']));
}
