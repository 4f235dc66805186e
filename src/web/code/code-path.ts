import { CairnError, isCairnError } from '../../lib/errors.ts';
import { parsePublicKey } from '../../nostr/public-key.ts';
import { PAGE_WORDS, type PageWord } from '../../nostr/repository-url.ts';
import { type RepositoryId, repositoryId } from '../../repository/repository-id.ts';

const WORDS: ReadonlySet<string> = new Set(PAGE_WORDS);

/** The URL of a page of code: `/<npub>/<identifier>/<word>/<segments>`. */
export interface CodePath {
  readonly id: RepositoryId;
  /** Empty for the overview. */
  readonly word: PageWord | '';
  /** Decoded once. A path in git is bytes, so these are bytes. */
  readonly segments: readonly Buffer[];
}

/**
 * Parses the path of a page of code.
 * @param path the raw path
 * @returns undefined if it is not one
 */
export function readCodePath(path: string): CodePath | undefined {
  const [, owner = '', encoded = '', word = '', rest = ''] =
    /^\/(npub1[^/]+)\/([^/]+)\/([a-z]+)(?:\/(.*))?$/.exec(path) ?? [];
  const publicKey = parsePublicKey(owner);
  if (publicKey === undefined || !isPageWord(word)) return undefined;
  try {
    const id = repositoryId(publicKey, decodeURIComponent(encoded));
    // A program that encodes a whole ref or path, as OpenAPI has it, encodes its slashes, too. No name in git has one.
    const segments = rest
      .split(/\/|%2f/i)
      .filter((part) => part !== '')
      .map(decodeSegment);
    return { id, word, segments };
  } catch (error) {
    if (error instanceof URIError || isCairnError(error, 'invalid')) return undefined;
    throw error;
  }
}

function isPageWord(word: string): word is PageWord {
  return WORDS.has(word);
}

/** Decodes one segment of a path. @throws CairnError `invalid` for what cannot be a name in git */
export function decodeSegment(segment: string): Buffer {
  if (/%(?![0-9a-f]{2})/i.test(segment)) throw new CairnError('invalid', 'the path has an invalid escape');
  const bytes = Buffer.from(
    segment.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  );
  if (bytes.includes(0) || bytes.includes(0x2f))
    throw new CairnError('invalid', 'a part of the path has NUL or a slash');
  return bytes;
}
