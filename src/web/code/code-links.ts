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
    const parts = [...revision.split('/').map((part) => Buffer.from(part)), ...path];
    return `${this.repository}/${word}/${parts.map(encodeSegment).join('/')}`;
  }

  /** What lies between two revisions. @param dots 3: from what both have in common */
  compare(from: string, to: string, dots: 2 | 3 = 3): string {
    return this.at('compare', `${from}${'.'.repeat(dots)}${to}`);
  }

  commit(oid: string): string {
    return `${this.repository}/commit/${oid}`;
  }
}

/** Percent-encodes a name of git: all but the characters that need no encoding anywhere (RFC 3986, section 2.3). */
export function encodeSegment(name: Uint8Array): string {
  let encoded = '';
  for (const byte of name) {
    const char = String.fromCharCode(byte);
    encoded += /[\w.~-]/.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}
