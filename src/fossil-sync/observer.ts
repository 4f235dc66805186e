/**
 * What a program may watch while repositories are synchronised: sessions and rounds of the client, requests of the server,
 * tables. All members may be called for several sessions at once.
 */

/**
 * Runs work inside something of the observer's own, such as an `AsyncLocalStorage` or a span. It must call `work` once and
 * return what it returns.
 */
export type Within = <T>(work: () => Promise<T>) => Promise<T>;

export type SyncOperation = 'sync' | 'clone';

export interface SessionStart {
  readonly operation: SyncOperation;
  readonly push: boolean;
  readonly pull: boolean;
  readonly unversioned: boolean;
  /** Undefined while a clone has not been told it. */
  readonly projectCode: string | undefined;
  /** A name for the other side that the caller chose; for telemetry alone. */
  readonly peer: string | undefined;
}

export interface SessionEnd {
  readonly operation: SyncOperation;
  readonly rounds: number;
  readonly filesSent: number;
  readonly filesReceived: number;
  readonly unversionedSent: number;
  readonly unversionedReceived: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly projectCode: string | undefined;
  /** Texts of `error` and `message` cards. */
  readonly errors: readonly string[];
}

export interface RoundStart {
  readonly operation: SyncOperation;
  /** The first round is 1. */
  readonly round: number;
}

export interface RoundEnd extends RoundStart {
  readonly filesSent: number;
  readonly filesReceived: number;
  readonly gimmesSent: number;
  readonly igotsSent: number;
  /** Bytes of the request and of the reply, as they travelled. */
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

/** What a request to the server asks for. */
export type RequestOperation = 'clone' | 'sync' | 'push' | 'pull' | 'other';

export interface RequestStart {
  readonly operation: RequestOperation;
  /** The repository as logs name it; undefined if the sender may not read it, or if there is none. */
  readonly repository: string | undefined;
  /** Undefined for requests without a login. */
  readonly user: string | undefined;
}

export interface RequestEnd extends RequestStart {
  readonly cards: number;
  readonly filesReceived: number;
  readonly filesSent: number;
  readonly igotsSent: number;
  readonly gimmesSent: number;
  /** Bytes of the message that came, uncompressed. */
  readonly requestBytes: number;
  /** Bytes of the message that is sent, before it is compressed. */
  readonly replyBytes: number;
  /** Text of the error card, if the request was refused. */
  readonly error: string | undefined;
}

export interface TableSyncStart {
  readonly table: string;
  readonly localRows: number;
}

export interface TableSyncEnd {
  readonly table: string;
  readonly sent: number;
  readonly received: number;
}

/**
 * Hears of sessions and requests. A member that begins something may return a function, inside which the work is run.
 * No member may throw.
 */
export interface SyncObserver {
  sessionStarted(session: SessionStart): Within | undefined;
  roundStarted(round: RoundStart): Within | undefined;
  roundCompleted(round: RoundEnd): void;
  sessionCompleted(session: SessionEnd): void;
  /** An error of a session, or of a request whose client is only told that there was one. */
  error(error: unknown): void;
  requestStarted(request: RequestStart): Within | undefined;
  requestCompleted(request: RequestEnd): void;
  tableSyncStarted(table: TableSyncStart): Within | undefined;
  tableSyncCompleted(table: TableSyncEnd): void;
}

/** Observes nothing. Callers that were given no observer use it, so that no call site asks whether there is one. */
export const NO_OBSERVER: SyncObserver = {
  sessionStarted: () => undefined,
  roundStarted: () => undefined,
  roundCompleted: () => undefined,
  sessionCompleted: () => undefined,
  error: () => undefined,
  requestStarted: () => undefined,
  requestCompleted: () => undefined,
  tableSyncStarted: () => undefined,
  tableSyncCompleted: () => undefined,
};

/** Completes an observer that has only some members. */
export function observerOf(partial: Partial<SyncObserver> | undefined): SyncObserver {
  return partial === undefined ? NO_OBSERVER : { ...NO_OBSERVER, ...partial };
}

/** Runs work inside what the observer returned for it. */
export function runWithin<T>(within: Within | undefined, work: () => Promise<T>): Promise<T> {
  return within === undefined ? work() : within(work);
}
