import {
  type AllowedSigner,
  allowsGit,
  openPgpKey,
  parseAllowedSigners,
  parseCommit,
  parseSshSignature,
  signatureKind,
  signedContent,
} from '../git/index.ts';
import { fitsObject, parseGitSignature } from '../nostr/git-signature.ts';
import { formatNpub } from '../nostr/public-key.ts';
import { branchFilesOf } from './branch-files.ts';
import { blobSize, readBlob, readObject } from './objects.ts';
import type { RepositoryView } from './repository-view.ts';
import { fitsMessage, sshFingerprint } from './ssh-signature.ts';

/**
 * What can be said about a signature.
 * - `good`: it fits, and somebody who decides about this repository names the key
 * - `unknown-key`: it is valid, and the repository does not name the key
 * - `bad`: it does not fit the commit, or is not one
 * - `not-checked`: of a kind that is not checked here
 */
export type Verdict = 'good' | 'unknown-key' | 'bad' | 'not-checked';

export interface CheckedSignature {
  readonly verdict: Verdict;
  readonly kind: 'openpgp' | 'ssh' | 'x509' | 'nostr' | 'unknown';
  /** As the tools of its kind name the key; undefined if the signature names none. */
  readonly key: string | undefined;
  /** Whose key it is, as the repository says; only of good ones. */
  readonly signer: string | undefined;
}

/** Most bytes of the file that names the SSH keys that count. */
const SIGNERS_SIZE = 256 * 1024;
const COMMIT_SIZE = 1024 * 1024;

/**
 * Checks the signature of a commit.
 * @param writers public keys of those who may push, in hex: their Nostr keys count
 * @returns undefined if the commit is not signed
 * @throws CairnError `not-found`, `too-large`, `unavailable` when git fails
 */
export async function checkSignature(
  view: RepositoryView,
  oid: string,
  writers: readonly string[],
): Promise<CheckedSignature | undefined> {
  const { content } = await readObject(view, oid, COMMIT_SIZE);
  const { signature: armour, committer } = parseCommit(content);
  if (armour === undefined) return undefined;
  const kind = signatureKind(armour);
  if (kind === 'ssh') return checkSsh(view, armour, signedContent(content), committer.time);
  if (kind === 'openpgp') {
    return { verdict: 'not-checked', kind, key: openPgpKey(armour)?.toUpperCase(), signer: undefined };
  }
  const nostr = kind === 'x509' ? parseGitSignature(armour) : undefined;
  if (nostr === undefined) return { verdict: 'not-checked', kind, key: undefined, signer: undefined };
  const key = formatNpub(nostr.publicKey);
  if (!fitsObject(nostr, signedContent(content))) {
    return { verdict: 'bad', kind: 'nostr', key, signer: undefined };
  }
  const isWriter = writers.includes(nostr.publicKey);
  return {
    verdict: isWriter ? 'good' : 'unknown-key',
    kind: 'nostr',
    key,
    signer: isWriter ? key : undefined,
  };
}

async function checkSsh(
  view: RepositoryView,
  armour: string,
  message: Buffer,
  time: number,
): Promise<CheckedSignature> {
  const kind = 'ssh';
  const signature = parseSshSignature(armour);
  if (signature === undefined) return { verdict: 'bad', kind, key: undefined, signer: undefined };
  const key = sshFingerprint(signature.publicKey);
  const fits = signature.namespace === 'git' && fitsMessage(signature, message);
  if (fits === undefined) return { verdict: 'not-checked', kind, key, signer: undefined };
  if (!fits) return { verdict: 'bad', kind, key, signer: undefined };
  const signers = await allowedSigners(view);
  const signer = signers.find((one) => one.publicKey.equals(signature.publicKey) && allowsGit(one, time));
  return { verdict: signer === undefined ? 'unknown-key' : 'good', kind, key, signer: signer?.principals };
}

/** The allowed signers that the default branch names; none if it has no such file, or a very large one. */
async function allowedSigners(view: RepositoryView): Promise<AllowedSigner[]> {
  const oid = (await branchFilesOf(view)).signers;
  if (oid === undefined || (await blobSize(view, oid)) > SIGNERS_SIZE) return [];
  return parseAllowedSigners(await readBlob(view, oid, SIGNERS_SIZE));
}
