import type { Service } from '../../git/index.ts';
import type { RequestBody } from '../../outbound/request-body.ts';
import type { PacketStream } from './packet-stream.ts';
import type { RemoteAddress } from './remote-address.ts';

/** Version of git's protocol. Pushes use 0; a server that does not know the requested version answers with 0. */
export type ProtocolVersion = 0 | 1 | 2;

export interface OpenOptions {
  /** The version to ask for. The advertisement tells which one the server speaks. */
  readonly version: ProtocolVersion;
  readonly signal: AbortSignal;
}

/**
 * A way to reach one repository: HTTP, SSH, or git on this machine. It knows how bytes get there and back, and nothing of what they mean.
 *
 * Errors of every method: CairnError `not-found` (no such repository), `unauthenticated`, `forbidden`, `too-large` (the server limits
 * the body), `busy` (it asks to come again later), `unavailable` (not reached, timed out, broken off), `corrupt` (no git server
 * answers like this). A text names the remote without user names, passwords and tokens. The signal's reason when it is aborted.
 */
export interface Connection extends AsyncDisposable {
  readonly address: RemoteAddress;
  /** A text of the remote without secrets that were shown to it, and without the user part of any URL. */
  redact(text: string): string;
  /** Begins a conversation with a service. */
  open(service: Service, options: OpenOptions): Promise<Session>;
}

/** A conversation with one service: an advertisement, then requests, one at a time. */
export interface Session extends AsyncDisposable {
  /** The advertisement. It ends with a flush, and has no `# service=` packet. */
  readonly advertisement: PacketStream;
  /**
   * True if requests are independent (HTTP): several can be sent in protocol version 0, too. Otherwise only version 2 accepts more
   * than one request, and what follows the advertisement is the same stream.
   */
  readonly stateless: boolean;
  /**
   * Sends what must precede a request with a long body, in the background. The request reports its errors. Absent
   * where nothing comes before.
   */
  prepare?(signal: AbortSignal): void;
  /**
   * Sends a request.
   * @param options `last`: no other request follows, so that what runs on the other side may end
   * @returns the packets of the answer. It may begin before the whole request is sent. An error of the body is thrown by reading it.
   */
  request(
    body: RequestBody,
    options: { readonly last: boolean; readonly signal: AbortSignal },
  ): Promise<PacketStream>;
}
