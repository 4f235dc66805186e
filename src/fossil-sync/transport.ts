import type { ContentType } from '../fossil/framing.ts';

/** One request of a client, framed as its type says. */
export interface TransportRequest {
  readonly type: ContentType;
  readonly body: Uint8Array;
  /** The `Cookie` header, in which newer clients may carry their login. */
  readonly cookie?: string;
}

/** What a server answers, framed as its type says. */
export interface TransportReply {
  readonly type: ContentType;
  readonly body: Uint8Array;
}

/** Carries the requests of a client to a server: over HTTP, within a process, or wherever a program wants them to go. */
export interface Transport {
  /**
   * Sends one request and gives its whole reply. A reply of which a part is missing must be an error: what is left may look complete.
   * @throws CairnError `unavailable` or `busy` if the same request may succeed when it is sent again: it was not delivered, or the
   *   reply was lost. Any other kind: the server refused it, or answers in another protocol. The signal's reason
   */
  exchange(request: TransportRequest, signal: AbortSignal): Promise<TransportReply>;
}
