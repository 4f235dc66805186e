import { CairnError, type ErrorKind } from '../lib/errors.ts';

/** What a remote said about the failure of a request, for decisions and for people. */
export interface RemoteFacts {
  /** HTTP status; undefined for other transports, and when there was no answer. */
  readonly status?: number;
  /** True for an answer that is a web page, which no repository is: a page to sign in, for example. */
  readonly isPage?: boolean;
  /** Exit code of the program that was to reach the server. */
  readonly exitCode?: number;
  /** Bytes of the body that the server is known to accept, when it states a limit. */
  readonly bodyLimit?: number;
  /** True when the connection broke, or the server waited no longer (408, 504): the same request may succeed with less to send. */
  readonly brokenOff?: boolean;
  /** True when the source no longer has what it listed. */
  readonly changed?: boolean;
  /** Bytes of the request that were sent. */
  readonly sent?: number;
}

/** An error of a remote repository. */
export class RemoteError extends CairnError {
  readonly facts: RemoteFacts;

  constructor(kind: ErrorKind, message: string, facts: RemoteFacts = {}, options?: { cause?: unknown }) {
    super(kind, message, { ...options, publicText: message });
    this.facts = facts;
  }
}
