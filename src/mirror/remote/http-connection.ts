import { flushPacket, type Service } from '../../git/index.ts';
import { displayUrl } from '../../outbound/display-url.ts';
import { endAnswer, type HttpClient, mustBe, restOfAnswer } from '../../outbound/http-client.ts';
import type { HttpAnswer } from '../../outbound/http-transport.ts';
import { readBriefly } from '../../outbound/read-briefly.ts';
import { RemoteError } from '../../outbound/remote-error.ts';
import type { RequestBody } from '../../outbound/request-body.ts';
import { boundedAdvertisement, withoutServiceHeader } from './advertisement-body.ts';
import type { Connection, OpenOptions, Session } from './connection.ts';
import type { HttpAuthorizer } from './http-authorizer.ts';
import { PacketStream } from './packet-stream.ts';
import { collectStart } from './post-buffer.ts';
import { isRedirect, maxRedirects, redirected } from './redirects.ts';
import type { RemoteAddress } from './remote-address.ts';
import { advertisementUrl, repositoryUrl, requestUrl } from './service-url.ts';

export interface HttpConnectionOptions {
  readonly address: RemoteAddress & { readonly kind: 'http' };
  readonly client: HttpClient;
  readonly authorizer: HttpAuthorizer;
  /** Whether the request for the advertisement may be redirected to other hosts. */
  readonly followRedirects: boolean;
  /** Closes what the connection alone uses. */
  readonly close: () => Promise<void>;
}

/** A repository behind smart HTTP (gitprotocol-http). */
export class HttpConnection implements Connection {
  readonly address: RemoteAddress;
  private readonly options: HttpConnectionOptions;

  constructor(options: HttpConnectionOptions) {
    this.options = options;
    this.address = options.address;
  }

  redact(text: string): string {
    return this.options.client.options.secrets.redact(text);
  }

  async open(service: Service, { version, signal }: OpenOptions): Promise<Session> {
    const { client, authorizer } = this.options;
    // Pushes have no other version than 0.
    const isAsked = version > 0 && service === 'git-upload-pack';
    const protocol: Record<string, string> = isAsked ? { 'Git-Protocol': `version=${version}` } : {};
    const { answer, repository } = await this.advertisement(service, protocol, signal);
    if (answer.status !== 200) {
      if (isRefused(answer)) await authorizer.refused(repository, signal);
      throw await client.refusal(answer, repository, 0);
    }
    await mustBe(answer, `application/x-${service}-advertisement`, repository);
    const body = await withoutServiceHeader(boundedAdvertisement(answer.body), service);
    await authorizer.accepted(repository, signal);
    return new HttpSession({ client, authorizer, repository, service, protocol }, new PacketStream(body));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.options.close();
  }

  /** Asks for an advertisement, wherever redirects lead, and again with credentials where a server wants them. */
  private async advertisement(
    service: Service,
    protocol: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<{ readonly answer: HttpAnswer; readonly repository: URL }> {
    const { address, client, authorizer, followRedirects } = this.options;
    let repository = repositoryUrl(address.url);
    for (let redirects = 0; redirects <= maxRedirects; ) {
      const url = advertisementUrl(repository, service);
      const headers = { Accept: '*/*', ...protocol, ...authorizer.headersFor(repository) };
      const answer = await client.send({ method: 'GET', url, repository, headers, reuse: true, signal });
      if (isRedirect(answer)) {
        await endAnswer(answer);
        repository = redirected(answer, repository, service, followRedirects);
        redirects += 1;
      } else if (answer.status === 401 && authorizer.mayLearnMore(repository)) {
        if (!(await authorizer.learn(repository, answer, signal))) return { answer, repository };
        await endAnswer(answer);
      } else {
        return { answer, repository };
      }
    }
    const text = `${displayUrl(address.url)} redirects more than ${maxRedirects} times`;
    throw new RemoteError('corrupt', text, { status: 302 });
  }
}

interface SessionOptions extends Pick<HttpConnectionOptions, 'client' | 'authorizer'> {
  /** Where the advertisement came from. */
  readonly repository: URL;
  readonly service: Service;
  readonly protocol: Readonly<Record<string, string>>;
}

class HttpSession implements Session {
  readonly stateless = true;
  readonly advertisement: PacketStream;
  private readonly options: SessionOptions;
  /** What was read last. */
  private current: PacketStream;
  private probed = false;
  /** The answer to a probe that was sent before its request. */
  private early: Promise<HttpAnswer> | undefined;
  private readonly closing = new AbortController();

  constructor(options: SessionOptions, advertisement: PacketStream) {
    this.options = options;
    this.advertisement = advertisement;
    this.current = advertisement;
  }

  prepare(signal: AbortSignal): void {
    const { authorizer, repository } = this.options;
    if (this.probed || this.early !== undefined || !authorizer.mayLearnMore(repository)) return;
    this.early = this.askWithoutBody(AbortSignal.any([signal, this.closing.signal]));
    // The request that waits for it tells of its error.
    this.early.catch(() => undefined);
  }

  async request(
    content: RequestBody,
    { signal }: { readonly last: boolean; readonly signal: AbortSignal },
  ): Promise<PacketStream> {
    const { client, authorizer, repository, service } = this.options;
    await finish(this.current);
    const body = Buffer.isBuffer(content) ? content : await this.ready(content, signal);
    let answer = await this.post(body, signal);
    if (
      answer.status === 401 &&
      Buffer.isBuffer(body) &&
      (await authorizer.learn(repository, answer, signal))
    ) {
      await endAnswer(answer);
      answer = await this.post(body, signal);
    }
    if (answer.status !== 200) {
      if (isRefused(answer)) await authorizer.refused(repository, signal);
      throw await client.refusal(answer, repository, answer.sent());
    }
    await mustBe(answer, `application/x-${service}-result`, repository);
    await authorizer.accepted(repository, signal);
    this.current = new PacketStream(answer.body);
    return this.current;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.closing.abort();
    await Promise.allSettled([this.early]);
    await this.current.close();
  }

  /** Makes ready what is needed to send a body that comes in pieces. A body that is not sent is closed. */
  private async ready(body: AsyncIterable<Buffer>, signal: AbortSignal): Promise<RequestBody> {
    try {
      // Before the body is read: while a person is asked for a password, its source would wait.
      await this.probe(signal);
    } catch (error) {
      await body[Symbol.asyncIterator]().return?.();
      throw error;
    }
    return collectStart(body, signal);
  }

  /**
   * A long body cannot be sent again. So a request with nothing but a flush finds out first whether the server wants credentials. It
   * is a POST, because some servers ask for them only there.
   */
  private async probe(signal: AbortSignal): Promise<void> {
    const { authorizer, repository } = this.options;
    if (this.probed || !authorizer.mayLearnMore(repository)) return;
    this.probed = true;
    const answer = await (this.early ?? this.askWithoutBody(signal));
    // Only now may a person be asked for a password: nothing else is written to the terminal meanwhile.
    if (answer.status === 401) await authorizer.learn(repository, answer, signal);
  }

  /** @returns an answer whose body was ended */
  private async askWithoutBody(signal: AbortSignal): Promise<HttpAnswer> {
    const answer = await this.post(flushPacket, signal);
    await endAnswer(answer);
    return answer;
  }

  private post(body: RequestBody, signal: AbortSignal) {
    const { client, authorizer, repository, service, protocol } = this.options;
    const headers = {
      'Content-Type': `application/x-${service}-request`,
      Accept: `application/x-${service}-result`,
      ...protocol,
      ...authorizer.headersFor(repository),
    };
    // A push that is sent twice would be carried out twice.
    const reuse = Buffer.isBuffer(body) && service === 'git-upload-pack';
    const url = requestUrl(repository, service);
    return client.send({ method: 'POST', url, repository, headers, body, reuse, signal });
  }
}

function isRefused({ status }: HttpAnswer): boolean {
  return status === 401 || status === 403;
}

/** Reads the end of an answer, if nothing else is left of it, or gives it up. */
async function finish(stream: PacketStream): Promise<void> {
  const rest = stream.rest();
  await readBriefly({ next: () => rest.next(), return: () => closed(stream) }, restOfAnswer);
}

async function closed(stream: PacketStream): Promise<IteratorResult<Buffer>> {
  await stream.close();
  return { done: true, value: undefined };
}
