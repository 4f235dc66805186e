/** Values of the commands that talk to a server or to remotes, read without zod: to load it takes as long as the rest of such a command. */
import { homedir } from 'node:os';
import { resolve } from 'node:path';

/** The parsed value of a text, or a message that says what was expected instead. */
export type Parsed<T> = { readonly value: T } | { readonly expected: string };

const UNITS: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/** A size in bytes, with or without a unit. */
export function parseSize(text: string): Parsed<number> {
  const [, digits, unit = 'B'] = /^(\d+)\s*(B|KiB|MiB|GiB|TiB)?$/.exec(text) ?? [];
  if (digits === undefined) return { expected: 'expected a size such as 512MiB or 8GiB' };
  const value = Number(digits) * (UNITS[unit] ?? 1);
  return Number.isSafeInteger(value) ? { value } : { expected: 'expected a size below 8192TiB' };
}

export const EXPECTED_HTTP_URL = 'expected http://… or https://…';

/** True for a URL of HTTP or HTTPS, and for an empty text. */
export function isHttpUrlOrEmpty(text: string): boolean {
  return text === '' || (/^https?:\/\/[^/]/i.test(text) && URL.canParse(text));
}

/**
 * The origin of a service, in the spelling that clients use: lower case, no default port.
 * @returns undefined as the value of an empty text
 */
export function parseServiceUrl(text: string): Parsed<string | undefined> {
  if (text === '') return { value: undefined };
  if (!isHttpUrlOrEmpty(text)) return { expected: EXPECTED_HTTP_URL };
  const { origin, href } = new URL(text);
  // A user, path, query or fragment, even an empty one, is more than the origin.
  if (href === `${origin}/` && !/[?#@]/.test(text)) return { value: origin };
  return { expected: 'expected a URL without a path: git, relay and pages share one host' };
}

/** An absolute path. Expands `~`, because the shell does not in `--key=~/x` and in defaults. */
export function parseHomeFile(text: string): Parsed<string> {
  if (text.trim() === '') return { expected: 'expected a file' };
  return { value: resolve(text.replace(/^~(?=\/)/, homedir())) };
}
