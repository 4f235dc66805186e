import { splitPath } from '../../browse/paths.ts';
import { formatNpub } from '../../nostr/public-key.ts';
import type { PageWord } from '../../nostr/repository-url.ts';
import type { RepositoryId } from '../../repository/repository-id.ts';
import { rootOf } from '../layout.ts';

/** Makes the URLs of a repository's pages. They have no host, so they work wherever the page was reached. */
export class CodeLinks {
  /** The path of the repository's own page. */
  readonly repository: string;

  /** @param base the public base URL of the service, whose path comes first */
  constructor(base: string, { owner, identifier }: Pick<RepositoryId, 'owner' | 'identifier'>) {
    this.repository = `${rootOf(base)}/${formatNpub(owner)}/${encodeURIComponent(identifier)}`;
  }

  /** A page about a path in a revision. */
  at(word: PageWord, revision: string, path: readonly Buffer[] = []): string {
    const parts = [...splitPath(Buffer.from(revision)), ...path];
    return `${this.repository}/${word}/${encodePath(parts)}`;
  }

  /** Leads to a page about a path in another revision, or about the nearest folder that is there. */
  switchTo(word: PageWord, revision: string, path: readonly Buffer[]): string {
    return this.at('switch', `${word}/${revision}`, path);
  }

  /** What lies between two revisions. @param dots 3: from what both have in common */
  compare(from: string, to: string, dots: 2 | 3 = 3): string {
    return this.at('compare', `${from}${'.'.repeat(dots)}${to}`);
  }

  commit(oid: string): string {
    return `${this.repository}/commit/${oid}`;
  }
}

/**
 * Bytes of a name, and of a path, that are encoded. File systems take names of 255 bytes, and no request has a longer path: what is
 * cut leads to nothing. Git itself has names of many megabytes, and a page has a thousand of them.
 */
const LONGEST_NAME = 1_024;
const LONGEST_PATH = 8_192;

/** Each byte in the form of a URL: encoded, except characters that never need encoding (RFC 3986, section 2.3). */
const ENCODED: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  const char = String.fromCharCode(byte);
  return /[\w.~-]/.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
});

/** Percent-encodes a name of git, within a bound. */
export function encodeSegment(name: Uint8Array): string {
  let encoded = '';
  for (const byte of name.subarray(0, LONGEST_NAME)) encoded += ENCODED[byte];
  return encoded;
}

/** Percent-encodes the names of a path, with slashes between them, within a bound for all of them. */
export function encodePath(names: readonly Uint8Array[]): string {
  const shown: string[] = [];
  let left = LONGEST_PATH;
  for (const name of names) {
    left -= Math.min(name.length, LONGEST_NAME) + 1;
    if (left < 0) break;
    shown.push(encodeSegment(name));
  }
  return shown.join('/');
}

/** As much of a path, with its slashes, as is ever encoded. */
export function beginningOfPath(path: Buffer): Buffer {
  return path.subarray(0, LONGEST_PATH);
}
