import { contentTypeOf } from '../fossil/framing.ts';
import { basicAuthorization, mayCarryCredentials } from '../outbound/credentials.ts';
import { displayUrl, parseUrl } from '../outbound/display-url.ts';
import { endAnswer, HttpClient, type HttpClientOptions } from '../outbound/http-client.ts';
import type { HttpAnswer } from '../outbound/http-transport.ts';
import { RemoteError } from '../outbound/remote-error.ts';
import type { Transport, TransportReply, TransportRequest } from './transport.ts';

export interface HttpTransportOptions extends HttpClientOptions {
  /** Where requests go, as it was typed: Fossil adds nothing to it. A user and a password in it are not sent. */
  readonly url: URL;
  /** Sent by `Authorization: Basic` from the first request on, for servers behind a proxy that asks for it. */
  readonly basic?: { readonly user: string; readonly password: string };
  /** Whether a redirect may lead to another host. */
  readonly followRedirects?: boolean;
  /** Longest body of a reply in bytes. */
  readonly maxReplyBytes: number;
}

/** As many as Fossil follows. */
const MAX_REDIRECTS = 20;

/** Bytes of a reply that is collected in one piece. */
const IN_ONE_PIECE = 1 << 20;

/** Redirects that keep the method. 303 turns the request into a GET, which is useless here. */
const REDIRECTS = new Set([301, 302, 307, 308]);

/** Requests of Fossil's sync protocol over HTTP: each is a POST to one URL. */
export class HttpTransport implements Transport {
  private readonly options: HttpTransportOptions;
  private readonly client: HttpClient;
  /** Where later requests go, too. */
  private url: URL;

  constructor(options: HttpTransportOptions) {
    this.options = options;
    this.client = new HttpClient(options);
    this.url = plainUrl(options.url);
  }

  async exchange(request: TransportRequest, signal: AbortSignal): Promise<TransportReply> {
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      const { url } = this;
      const answer = await this.client.send({
        method: 'POST',
        url,
        repository: url,
        headers: this.headers(request),
        body: Buffer.from(request.body.buffer, request.body.byteOffset, request.body.byteLength),
        reuse: true,
        signal,
      });
      if (REDIRECTS.has(answer.status)) {
        await endAnswer(answer);
        this.url = this.redirected(answer);
      } else if (answer.status === 200) {
        return await this.reply(answer);
      } else {
        throw await this.client.refusal(answer, url, answer.sent());
      }
    }
    throw new RemoteError('corrupt', `${this.shown} redirects more than ${MAX_REDIRECTS} times`);
  }

  private headers({ type, cookie }: TransportRequest): Record<string, string> {
    const { basic, secrets, url } = this.options;
    const isMeant = basic !== undefined && mayCarryCredentials(plainUrl(url), this.url);
    return {
      'Content-Type': type,
      // Some proxies compress what says nothing of it, and Fossil's messages are compressed already.
      'Accept-Encoding': 'identity',
      ...(cookie === undefined ? {} : { Cookie: cookie }),
      ...(isMeant ? { Authorization: basicAuthorization(basic.user, basic.password, secrets) } : {}),
    };
  }

  private async reply(answer: HttpAnswer): Promise<TransportReply> {
    const type = contentTypeOf(answer.headers['content-type']);
    if (type === undefined) {
      await endAnswer(answer);
      const given = JSON.stringify((answer.headers['content-type'] ?? '').slice(0, 100));
      throw new RemoteError(
        'corrupt',
        `${this.shown} does not answer as a Fossil server does: its answer has the content type ${given}`,
        { status: answer.status },
      );
    }
    const { maxReplyBytes } = this.options;
    const declared = Number(answer.headers['content-length'] ?? 0);
    // In one piece if it is large: joining chunks would take the memory twice. What nothing is written to takes no place.
    const isLarge = declared >= IN_ONE_PIECE && declared <= maxReplyBytes;
    const whole = isLarge ? Buffer.allocUnsafeSlow(declared) : undefined;
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of answer.body) {
      if (bytes + chunk.length > (whole?.length ?? maxReplyBytes)) {
        throw new RemoteError('too-large', `${this.shown} sends a reply of more than ${maxReplyBytes} bytes`);
      }
      if (whole === undefined) chunks.push(chunk);
      else whole.set(chunk, bytes);
      bytes += chunk.length;
    }
    // Servers end each message with the time. One without any byte was cut off, and would end the session as if all were done.
    if (bytes === 0) throw new RemoteError('unavailable', `${this.shown} sends an empty reply`);
    return { type, body: whole?.subarray(0, bytes) ?? Buffer.concat(chunks, bytes) };
  }

  private redirected({ status, headers }: HttpAnswer): URL {
    const location = headers['location'] ?? '';
    const to = location === '' ? undefined : parseUrl(location, this.url);
    if (to === undefined || !/^https?:$/.test(to.protocol)) {
      throw new RemoteError('corrupt', `${this.shown} redirects to nowhere`, { status });
    }
    if (this.url.protocol === 'https:' && to.protocol === 'http:') {
      throw new RemoteError('forbidden', `${this.shown} redirects to ${displayUrl(to)}, without encryption`, {
        status,
      });
    }
    if (this.options.followRedirects !== true && !mayCarryCredentials(this.url, to)) {
      throw new RemoteError(
        'forbidden',
        `${this.shown} redirects to another host, ${to.host}: name that host instead, or allow redirects to others`,
        { status },
      );
    }
    return plainUrl(to);
  }

  private get shown(): string {
    return displayUrl(this.url);
  }
}

/** The URL without user, password and fragment. */
function plainUrl(url: URL): URL {
  const plain = new URL(url);
  plain.username = '';
  plain.password = '';
  plain.hash = '';
  return plain;
}
