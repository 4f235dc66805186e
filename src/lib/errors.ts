/**
 * The kinds of error in Cairn. A kind tells the caller what to do. Each dialect (git, JSON, page, relay) translates kinds in
 * one file of its own.
 *
 * - `not-found`        the thing named does not exist
 * - `unauthenticated`  show a key and try again
 * - `forbidden`        the key shown may not do this
 * - `conflict`         another change came first; read again and retry
 * - `invalid`          the request itself is wrong; the same request will fail again
 * - `too-large`        a limit was exceeded
 * - `busy`             the server has too much to do; retry later
 * - `unavailable`      something the server needs (store, disk, git) did not answer or work
 * - `corrupt`          stored data is not what its digest or its pointer promised
 */
export type ErrorKind =
  | 'not-found'
  | 'unauthenticated'
  | 'forbidden'
  | 'conflict'
  | 'invalid'
  | 'too-large'
  | 'busy'
  | 'unavailable'
  | 'corrupt';

/**
 * What clients are told about faults of the server. Messages of these kinds may name addresses, buckets, keys and paths.
 * Therefore only the operator sees them, unless an error has a public text of its own.
 */
const PUBLIC_TEXTS: Readonly<Partial<Record<ErrorKind, string>>> = {
  unavailable:
    'the object store does not answer, or something else that this server needs; try again in a moment',
  corrupt: 'stored data is damaged: the operator finds the details in the log of the server',
};

/** An error whose message a person may read: it names the thing at fault and never a secret. */
export class CairnError extends Error {
  override readonly name = 'CairnError';
  readonly kind: ErrorKind;
  /** A text for everybody: it names no internals. */
  readonly publicText: string;

  /**
   * @param message for the operator and the log. For kinds other than `unavailable` and `corrupt` it is about the request,
   *   and therefore public, too
   * @param options `publicText`: what clients are told instead of the usual text of this kind
   */
  constructor(kind: ErrorKind, message: string, options?: { cause?: unknown; publicText?: string }) {
    super(message, options);
    this.kind = kind;
    this.publicText = options?.publicText ?? PUBLIC_TEXTS[kind] ?? message;
  }
}

/** An error whose message is public: it names no internals. Those are in the cause. */
export function publicError(kind: ErrorKind, message: string, options?: { cause?: unknown }): CairnError {
  return new CairnError(kind, message, { ...options, publicText: message });
}

/**
 * An error that says what failed because of another error: `<what>: <the message of the cause>`, and to clients
 * `<what>: <the public text of the cause>`.
 * @param what must name no internals
 */
export function becauseOf(kind: ErrorKind, what: string, cause: unknown): CairnError {
  const publicText = cause instanceof CairnError ? `${what}: ${cause.publicText}` : what;
  return new CairnError(kind, `${what}: ${messageOf(cause)}`, { cause, publicText });
}

/** What clients may be told about anything thrown. Unexpected errors reveal nothing. */
export function publicTextOf(error: unknown): string {
  return error instanceof CairnError ? error.publicText : 'internal error';
}

/** True when `error` is a {@link CairnError}, of the given kind if one is named. */
export function isCairnError(error: unknown, kind?: ErrorKind): error is CairnError {
  return error instanceof CairnError && (kind === undefined || error.kind === kind);
}

/** The message of anything thrown, for logs and the operator. Clients get {@link publicTextOf}. */
export function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message || error.name;
  return String(error);
}

/** The `code` of a Node system error (`ENOENT`, `ENOSPC`, …), or undefined. */
export function systemCode(error: unknown): string | undefined {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return undefined;
}
