/**
 * The protocol of an object store over the socket of the process that owns it. Both ends run the same version of Cairn
 * on one machine, so the protocol may change at any time.
 *
 *     GET    /objects/<key>?offset&length   200 with cairn-version and cairn-size, 304, or 404
 *     HEAD   /objects/<key>                 200 or 404
 *     PUT    /objects/<key>                 cairn-mode, cairn-version; 200 with a WirePutOutcome
 *     DELETE /objects/<key>                 204
 *     GET    /list?prefix&after             200 with at most PAGE_KEYS listed objects; fewer mean the end
 *
 * Every answer carries SERVED_BY, so that nothing else on a socket is taken for a store. 500 carries the error in a
 * header, because an answer to HEAD has no body.
 */
import { CairnError, type ErrorKind, isCairnError, messageOf } from '../../lib/errors.ts';
import type { PutMode, PutOutcome } from '../object-store.ts';

export const OBJECTS_PATH = '/objects/';
export const LIST_PATH = '/list';
export const SERVED_BY = 'cairn-object-store';
export const VERSION_HEADER = 'cairn-version';
export const SIZE_HEADER = 'cairn-size';
export const MODE_HEADER = 'cairn-mode';
export const ERROR_HEADER = 'cairn-error';
export const PAGE_KEYS = 1000;

/** An outcome without the live error in it. */
export type WirePutOutcome =
  | Exclude<PutOutcome, { outcome: 'unknown' }>
  | { readonly outcome: 'unknown'; readonly reason: string };

export function encodeOutcome(outcome: PutOutcome): WirePutOutcome {
  if (outcome.outcome !== 'unknown') return outcome;
  return { outcome: 'unknown', reason: messageOf(outcome.cause) };
}

export function decodeOutcome(outcome: WirePutOutcome): PutOutcome {
  return outcome.outcome === 'unknown' ? { outcome: 'unknown', cause: new Error(outcome.reason) } : outcome;
}

/** @throws CairnError `invalid` for a mode nobody knows */
export function decodeMode(mode: unknown, version: unknown): PutMode {
  if (mode === 'create' || mode === 'overwrite') return { mode };
  if (mode === 'replace' && typeof version === 'string') return { mode, version };
  throw new CairnError('invalid', 'the write has no mode');
}

/** An error as the value of a header. */
export function encodeError(error: unknown): string {
  const kind: ErrorKind = isCairnError(error) ? error.kind : 'unavailable';
  return encodeURIComponent(JSON.stringify({ kind, message: messageOf(error) }));
}

export function decodeError(header: string): CairnError {
  const { kind, message }: { kind: ErrorKind; message: string } = JSON.parse(decodeURIComponent(header));
  return new CairnError(kind, message);
}
