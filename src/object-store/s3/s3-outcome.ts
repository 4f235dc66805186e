import { CairnError } from '../../lib/errors.ts';
import type { PutMode, PutOutcome, VersionToken } from '../object-store.ts';
import { StoreRefusedError } from '../store-refused.ts';
import { judge, type S3Place } from './s3-verdict.ts';

/**
 * The version token in an ETag: without its quotes.
 * @returns undefined for no ETag, an empty one, or a weak one, which may be that of several bodies
 */
export function versionOfETag(etag: string | undefined): VersionToken | undefined {
  if (etag === undefined || etag.startsWith('W/')) return undefined;
  const version = etag.replace(/^"(.*)"$/, '$1');
  return version === '' ? undefined : version;
}

/** The outcome of a PUT that was answered with success. A missing or unusable ETag means a fault in the store. */
export function outcomeOfAnswer(etag: string | undefined): PutOutcome {
  const version = versionOfETag(etag);
  if (version !== undefined) return { outcome: 'written', version };
  const said = etag === undefined ? 'no ETag' : `the ETag ${JSON.stringify(etag)}`;
  return { outcome: 'unknown', cause: new Error(`the object store answered a write with ${said}`) };
}

/**
 * The outcome of a write that threw.
 * @throws CairnError when the write certainly did not happen
 */
export function outcomeOfError(error: unknown, mode: PutMode, place: S3Place): PutOutcome {
  const verdict = judge(error, place);
  switch (verdict.is) {
    case 'precondition':
      if (mode.mode === 'create') return { outcome: 'exists' };
      if (mode.mode === 'replace') return { outcome: 'changed' };
      return { outcome: 'unknown', cause: error };
    case 'conflict':
      return { outcome: 'conflict' };
    case 'no-key':
      return mode.mode === 'replace' ? { outcome: 'missing' } : { outcome: 'unknown', cause: error };
    case 'refused':
      throw new StoreRefusedError(verdict.fault, verdict.reason, { cause: error });
    case 'not-sent':
      throw new CairnError('unavailable', verdict.reason, { cause: error });
    case 'nothing-there':
      throw notAStore(error, place);
    case 'unanswered':
      return { outcome: 'unknown', cause: new CairnError('unavailable', verdict.reason, { cause: error }) };
    default:
      return { outcome: 'unknown', cause: error };
  }
}

/** The error of a read, list or delete that failed. */
export function readError(error: unknown, place: S3Place): CairnError {
  const verdict = judge(error, place);
  switch (verdict.is) {
    case 'refused':
      return new StoreRefusedError(verdict.fault, verdict.reason, { cause: error });
    case 'nothing-there':
      return notAStore(error, place);
    case 'not-sent':
    case 'unanswered':
      return new CairnError('unavailable', verdict.reason, { cause: error });
    default:
      return new CairnError(
        'unavailable',
        `the object store at ${place.endpoint} gave an answer that does not fit the request (${verdict.is})`,
        { cause: error },
      );
  }
}

function notAStore(cause: unknown, place: S3Place): StoreRefusedError {
  return new StoreRefusedError(
    'setting',
    `${place.endpoint} answered 404 without naming a key: is it the endpoint of an object store?`,
    { cause },
  );
}
