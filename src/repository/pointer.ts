import { type Digest, isDigest } from '../lib/digest.ts';
import { becauseOf, type CairnError, isCairnError, publicError } from '../lib/errors.ts';
import { readAll } from '../lib/streams.ts';
import type { ObjectStore, VersionToken } from '../object-store/object-store.ts';
import { pointerKey } from './keys.ts';
import type { RepositoryPlace } from './repository-id.ts';

export type PointerReading =
  | { readonly is: 'absent' }
  | { readonly is: 'unchanged' }
  | { readonly is: 'found'; readonly version: VersionToken; readonly digest: Digest };

/**
 * Reads a repository's pointer with one small, strongly consistent request.
 * @param known the version last seen; if it is still current, the answer is `unchanged`
 * @throws CairnError `unavailable` when the store does not answer, `corrupt` when the body is not a digest
 */
export async function readPointer(
  store: ObjectStore,
  id: RepositoryPlace,
  known?: VersionToken,
  signal?: AbortSignal,
): Promise<PointerReading> {
  const result = await store.get(pointerKey(id), {
    ...(known === undefined ? {} : { ifNoneMatch: known }),
    ...(signal === undefined ? {} : { signal }),
  });
  if (!result.found) return { is: result.reason === 'missing' ? 'absent' : 'unchanged' };
  let body: string;
  try {
    body = (await readAll(result.body, 1024)).toString('latin1');
  } catch (error) {
    if (isCairnError(error, 'too-large')) throw notADigest(id);
    if (isCairnError(error)) throw error;
    throw becauseOf('unavailable', 'the object store broke off while reading a pointer', error);
  }
  if (!isDigest(body)) throw notADigest(id);
  return { is: 'found', version: result.version, digest: body };
}

function notADigest(id: RepositoryPlace): CairnError {
  return publicError('corrupt', `the pointer ${pointerKey(id)} is not a digest`);
}
