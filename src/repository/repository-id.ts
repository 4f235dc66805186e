import { type Digest, sha256 } from '../lib/digest.ts';
import { CairnError } from '../lib/errors.ts';

/** The place of a repository in the bucket. Keys are built from it alone. */
export interface RepositoryPlace {
  /** Public key of the owner, 64 lower-case hex characters. */
  readonly owner: string;
  /** SHA-256 of the identifier. */
  readonly identifierDigest: Digest;
}

/** A repository: the public key of its owner, and a name that is unique among the owner's. */
export interface RepositoryId extends RepositoryPlace {
  readonly identifier: string;
}

const OWNER = /^[0-9a-f]{64}$/;
const MAX_IDENTIFIER_BYTES = 256;

/**
 * Checks an owner and an identifier, both already decoded.
 *
 * An identifier is 1–256 bytes of UTF-8 without control characters, `/` or `\`; it is not `.` or `..` and does not
 * end in `.git`, because a URL may end in `.git` or not and both name the same repository.
 *
 * @throws CairnError `invalid`, saying which rule was broken
 */
export function repositoryId(owner: string, identifier: string): RepositoryId {
  if (!OWNER.test(owner)) {
    throw new CairnError(
      'invalid',
      'the owner of a repository is a public key of 64 lower-case hex characters',
    );
  }
  const problem = identifierProblem(identifier);
  if (problem !== undefined) throw new CairnError('invalid', problem);
  return { owner, identifier, identifierDigest: sha256(identifier) };
}

/** Why an identifier is refused; undefined when it is valid. */
export function identifierProblem(identifier: string): string | undefined {
  if (identifier.length === 0) return 'the repository identifier is empty';
  if (!identifier.isWellFormed()) return 'the repository identifier is not valid UTF-8';
  if (Buffer.byteLength(identifier) > MAX_IDENTIFIER_BYTES) {
    return `the repository identifier is longer than ${MAX_IDENTIFIER_BYTES} bytes`;
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u001f\u007f-\u009f]/.test(identifier))
    return 'the repository identifier has a control character';
  if (/[/\\]/.test(identifier)) return 'the repository identifier has a slash or backslash';
  if (identifier === '.' || identifier === '..') return 'the repository identifier cannot be "." or ".."';
  if (identifier.endsWith('.git')) return 'the repository identifier cannot end in ".git"';
  return undefined;
}

/** `owner/identifier`, for people and logs. */
export function formatRepositoryId(id: RepositoryId): string {
  return `${id.owner}/${id.identifier}`;
}
