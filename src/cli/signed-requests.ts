import { type Clock, systemClock } from '../lib/clock.ts';
import { CairnError, type ErrorKind, messageOf } from '../lib/errors.ts';
import { encodeToken } from '../nostr/nip98.ts';
import { requestTokenTemplate } from '../nostr/nip98-request.ts';
import type { Signer } from '../nostr/sign.ts';

/** Milliseconds that a server may take: an addition is answered after it is published. */
const ANSWER_MS = 60_000;
/** No answer of a server is longer. */
const MAX_BYTES = 4 * 1024 * 1024;

const KIND_OF_STATUS: Readonly<Record<number, ErrorKind>> = {
  400: 'invalid',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not-found',
  405: 'invalid',
  409: 'conflict',
  413: 'too-large',
};

/** Sends requests to a server, each signed for itself (NIP-98). */
export class SignedRequests {
  private readonly server: string;
  private readonly signer: Signer;
  private readonly signal: AbortSignal;
  private readonly clock: Clock;

  /** @param server its public URL, without a slash at its end */
  constructor(server: string, signer: Signer, signal: AbortSignal, clock: Clock = systemClock) {
    this.server = server;
    this.signer = signer;
    this.signal = signal;
    this.clock = clock;
  }

  /**
   * @param path below the URL of the server, with its slash
   * @param content is sent as JSON; undefined for no body
   * @returns the JSON of the answer
   * @throws CairnError with the reason of the server; `unavailable` when it does not answer with JSON
   */
  async send(method: 'GET' | 'POST', path: string, content?: unknown): Promise<unknown> {
    const url = `${this.server}${path}`;
    const body = content === undefined ? '' : JSON.stringify(content);
    const template = requestTokenTemplate(
      { url, method, body: Buffer.from(body) },
      Math.floor(this.clock.now() / 1000),
    );
    const headers = { Authorization: `Nostr ${encodeToken(this.signer.sign(template))}` };
    const response = await this.request(url, {
      method,
      redirect: 'error',
      headers: body === '' ? headers : { ...headers, 'Content-Type': 'application/json' },
      ...(body === '' ? {} : { body }),
    });
    const answer = await this.jsonOf(response);
    if (response.ok) return answer;
    const reason = isRecord(answer) && typeof answer['error'] === 'string' ? answer['error'] : undefined;
    throw new CairnError(
      KIND_OF_STATUS[response.status] ?? 'unavailable',
      reason ?? `${this.server} answered with status ${response.status}`,
    );
  }

  private async request(url: string, init: RequestInit): Promise<Response> {
    try {
      const signal = AbortSignal.any([this.signal, AbortSignal.timeout(ANSWER_MS)]);
      return await fetch(url, { ...init, signal });
    } catch (error) {
      const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
      throw new CairnError('unavailable', `${this.server} cannot be reached: ${messageOf(cause)}`, {
        cause: error,
      });
    }
  }

  private async jsonOf(response: Response): Promise<unknown> {
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of response.body ?? []) {
      size += chunk.length;
      if (size > MAX_BYTES)
        throw new CairnError('too-large', `${this.server} sent an answer that is too long`);
      chunks.push(chunk);
    }
    try {
      return JSON.parse(Buffer.concat(chunks).toString('utf8'));
    } catch {
      throw new CairnError(
        'unavailable',
        `${this.server} does not know this request: it is not a Cairn server, or it has an older version`,
      );
    }
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
