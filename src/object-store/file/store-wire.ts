/**
 * The protocol of an object store over the socket of the process that owns it. Both ends run the same version of Cairn
 * on one machine, so the protocol may change at any time.
 *
 *     GET    /objects/<key>?offset&length   200 with cairn-version and cairn-size, 304, or 404
 *     HEAD   /objects/<key>                 200 or 404
 *     PUT    /objects/<key>                 cairn-mode, cairn-version, cairn-final; 200 with a WirePutOutcome
 *     PUT    /objects/<key>                 the same, without a body, with cairn-file; 200 with a WirePutOutcome, or `send`
 *     DELETE /objects/<key>                 204
 *     GET    /list?prefix&after             200 with at most PAGE_KEYS listed objects; fewer mean the end
 *
 * Every answer carries SERVED_BY, so that nothing else on a socket is taken for a store. 500 carries the error in a
 * header, because an answer to HEAD has no body.
 */
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { CairnError, type ErrorKind, isCairnError, messageOf } from '../../lib/errors.ts';
import type { PutMode, PutOutcome } from '../object-store.ts';

export const OBJECTS_PATH = '/objects/';
export const LIST_PATH = '/list';
export const SERVED_BY = 'cairn-object-store';
export const VERSION_HEADER = 'cairn-version';
export const SIZE_HEADER = 'cairn-size';
export const MODE_HEADER = 'cairn-mode';
/** Whether the body is `final` (see `FileRange`). */
export const FINAL_HEADER = 'cairn-final';
/** The file that is the body, as {@link encodeFile} writes it. */
export const FILE_HEADER = 'cairn-file';
export const ERROR_HEADER = 'cairn-error';
export const PAGE_KEYS = 1000;

/** An outcome without the live error in it. */
export type WirePutOutcome =
  | Exclude<PutOutcome, { outcome: 'unknown' }>
  | { readonly outcome: 'unknown'; readonly reason: string };

/** The owner does not see the file that a write names: in its container another one may have that path, or none. */
export const SEND_BODY = { outcome: 'send' } as const;

/** A file, and how the owner can tell that it sees the same one. */
export interface WireFile {
  readonly path: string;
  readonly device: string;
  readonly inode: string;
  /** Bytes. */
  readonly size: number;
}

export function encodeFile(file: WireFile): string {
  return encodeURIComponent(JSON.stringify(file));
}

export function decodeFile(header: string): WireFile {
  return JSON.parse(decodeURIComponent(header)) as WireFile;
}

/** @throws what the file system throws */
export async function describeFile(path: string): Promise<WireFile> {
  const { dev, ino, size } = await stat(path, { bigint: true });
  return { path: resolve(path), device: String(dev), inode: String(ino), size: Number(size) };
}

/** Whether this process sees the same file under that path. */
export async function seesFile(file: WireFile): Promise<boolean> {
  try {
    const { device, inode, size } = await describeFile(file.path);
    return device === file.device && inode === file.inode && size === file.size;
  } catch {
    return false;
  }
}

export function encodeOutcome(outcome: PutOutcome): WirePutOutcome {
  if (outcome.outcome !== 'unknown') return outcome;
  return { outcome: 'unknown', reason: messageOf(outcome.cause) };
}

export function decodeOutcome(outcome: WirePutOutcome): PutOutcome {
  return outcome.outcome === 'unknown' ? { outcome: 'unknown', cause: new Error(outcome.reason) } : outcome;
}

/** @throws CairnError `invalid` for an unknown mode */
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
