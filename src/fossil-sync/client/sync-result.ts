import type { ArtifactName } from '../../fossil/artifact-name.ts';
import { CairnError, type ErrorKind } from '../../lib/errors.ts';
import type { TableSyncEnd } from '../observer.ts';

/** What a session did. */
export interface SyncResult {
  readonly rounds: number;
  /** Artifacts each way. */
  readonly filesSent: number;
  readonly filesReceived: number;
  readonly unversionedSent: number;
  readonly unversionedReceived: number;
  /** Bodies of requests and replies, as they travelled. */
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** What the server said in `error` and `message` cards, each text once. */
  readonly errors: readonly string[];
  /** Artifacts that something here refers to and the server did not give: up to ten of them. */
  readonly missing: readonly ArtifactName[];
  /** Undefined if the check-in is not locked by somebody else, or no lock was asked for. */
  readonly checkInLockFailure: CheckInLockFailure | undefined;
  /** What became of each table; absent if no tables were to be exchanged, or the server does not know the extension. */
  readonly tables?: readonly TableSyncEnd[];
}

/** Somebody else is about to check in on top of the same check-in. */
export interface CheckInLockFailure {
  /** Their login; empty for somebody anonymous. */
  readonly heldBy: string;
  /** Since when, in seconds since the epoch. */
  readonly since: number;
}

/** What a clone did. */
export interface CloneResult extends SyncResult {
  readonly projectCode: string;
  /** Empty if the server does not tell it. */
  readonly projectName: string;
}

/** A session that ended before it was done. What was received in earlier rounds of a sync is stored. */
export class SyncFailure extends CairnError {
  readonly result: SyncResult;

  constructor(kind: ErrorKind, message: string, result: SyncResult, options?: { cause?: unknown }) {
    super(kind, message, { ...options, publicText: message });
    this.result = result;
  }
}

/** How many phantoms an error and a result name. */
export const NAMED_PHANTOMS = 10;

/** A session in which the server does not give what it should have. */
export class StalledError extends CairnError {
  /** Up to ten of the artifacts that did not come. */
  readonly missing: readonly ArtifactName[];

  /** @param why what the server did, as the beginning of a sentence */
  constructor(why: string, missing: readonly ArtifactName[], count: number) {
    const named = missing.slice(0, NAMED_PHANTOMS);
    const more = count > named.length ? ` and ${count - named.length} more` : '';
    const list = named.length === 0 ? '' : `; missing: ${named.join(', ')}${more}`;
    const text = `${why}${list}`;
    super('unavailable', text, { publicText: text });
    this.missing = named;
  }
}
