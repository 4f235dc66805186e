import { describe, expect, it } from 'vitest';
import { encodePacket, flushPacket } from '../../../../src/git/index.ts';
import type { Session } from '../../../../src/mirror/remote/connection.ts';
import type {
  CredentialHelper,
  CredentialQuestion,
} from '../../../../src/mirror/remote/credential-helper.ts';
import { type ConnectionOptions, openConnection } from '../../../../src/mirror/remote/open-connection.ts';
import { parseRemoteAddress } from '../../../../src/mirror/remote/remote-address.ts';
import type { HttpAnswer, HttpRequest, HttpTransport } from '../../../../src/outbound/http-transport.ts';
import type { RequestBody } from '../../../../src/outbound/request-body.ts';

const { signal } = new AbortController();
type Scripted = Partial<Omit<HttpAnswer, 'body'>> & { readonly body?: string | Buffer };

/** A transport that answers by a script, and keeps what it was asked. */
class ScriptedTransport implements HttpTransport {
  readonly requests: HttpRequest[] = [];
  readonly bodies: string[] = [];
  closed = 0;
  private readonly script: (request: HttpRequest) => Scripted;

  constructor(script: (request: HttpRequest) => Scripted) {
    this.script = script;
  }

  async send(request: HttpRequest): Promise<HttpAnswer> {
    this.requests.push(request);
    this.bodies.push((await textOf(request.body)).replace(/x+/, '…'));
    const { status = 200, headers = {}, body = '' } = this.script(request);
    const chunks = async function* () {
      yield Buffer.from(body);
    };
    return { status, headers, body: chunks() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.closed += 1;
  }

  /** Method, URL and credentials of each request. */
  get told(): string[] {
    return this.requests.map(({ method, url, headers }) => {
      return `${method} ${url.href} ${credentialsIn(headers['Authorization'])}`;
    });
  }
}

function credentialsIn(header = 'none'): string {
  return header.startsWith('Basic ') ? Buffer.from(header.slice(6), 'base64').toString() : header;
}

async function textOf(body: RequestBody | undefined): Promise<string> {
  const chunks: Buffer[] = [];
  if (Buffer.isBuffer(body)) chunks.push(body);
  else if (body !== undefined) for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** A helper that knows one password, and keeps what it is told. */
class ScriptedHelper implements CredentialHelper {
  readonly told: string[] = [];
  readonly questions: CredentialQuestion[] = [];
  private readonly secret: string | undefined;

  constructor(secret: string | undefined) {
    this.secret = secret;
  }

  async fill(question: CredentialQuestion) {
    this.questions.push(question);
    this.told.push(`fill ${question.url.host}`);
    if (this.secret === undefined) return undefined;
    return { description: [], userName: question.userName ?? 'git', secret: this.secret };
  }

  async approve(): Promise<void> {
    this.told.push('approve');
  }

  async reject(): Promise<void> {
    this.told.push('reject');
  }
}

const SERVICES = { upload: 'git-upload-pack', receive: 'git-receive-pack' } as const;

/** The answer of a server where everything is fine. */
function fine({ method, url }: HttpRequest): Scripted {
  const service = url.searchParams.get('service') ?? url.pathname.split('/').at(-1) ?? '';
  if (method === 'POST') {
    return { headers: { 'content-type': `application/x-${service}-result` }, body: '0000' };
  }
  const body = Buffer.concat([encodePacket(`# service=${service}\n`), flushPacket, flushPacket]);
  return { headers: { 'content-type': `application/x-${service}-advertisement` }, body };
}

/** A server that wants a password: at once, or for POSTs only. */
function guarded(password: string, only?: 'POST') {
  return (request: HttpRequest): Scripted => {
    if (only !== undefined && request.method !== only) return fine(request);
    const given = credentialsIn(request.headers['Authorization']);
    if (given.endsWith(`:${password}`)) return fine(request);
    return { status: 401, headers: { 'www-authenticate': 'Basic realm="git"' } };
  };
}

async function open(
  transport: HttpTransport,
  service: keyof typeof SERVICES,
  options: ConnectionOptions = {},
  address = 'https://host.example/r.git',
): Promise<Session> {
  const connection = openConnection(parseRemoteAddress(address), { ...options, transport });
  return connection.open(SERVICES[service], { version: service === 'upload' ? 2 : 0, signal });
}

/** More than is collected before a request begins. */
async function* pieces() {
  yield Buffer.from('one ');
  yield Buffer.alloc(1024 * 1024, 'x');
  yield Buffer.from(' two');
}

describe('requests', () => {
  it('equal those of git', async () => {
    const transport = new ScriptedTransport(fine);
    const session = await open(
      transport,
      'upload',
      { userAgent: 'git/test' },
      'https://host.example/r.git///',
    );
    await session.request(Buffer.from('0000'), { last: true, signal });
    const [get, post] = transport.requests;
    expect(get?.url.href).toBe('https://host.example/r.git/info/refs?service=git-upload-pack');
    expect(get?.headers).toMatchObject({ 'Git-Protocol': 'version=2', 'User-Agent': 'git/test' });
    expect(post?.url.href).toBe('https://host.example/r.git/git-upload-pack');
    expect(post?.headers).toMatchObject({
      'Content-Type': 'application/x-git-upload-pack-request',
      Accept: 'application/x-git-upload-pack-result',
      'Git-Protocol': 'version=2',
    });
    expect(Object.keys(post?.headers ?? {})).not.toContain('Accept-Encoding');
    expect(get?.reuse && post?.reuse).toBe(true);
  });

  it('of a push never use an idle connection, and use protocol version 0', async () => {
    const transport = new ScriptedTransport(fine);
    const session = await open(transport, 'receive');
    await session.request(Buffer.from('0000'), { last: true, signal });
    expect(transport.requests[1]?.reuse).toBe(false);
    expect(transport.requests[0]?.headers).not.toHaveProperty('Git-Protocol');
  });

  it('leave the transport of the caller open', async () => {
    const transport = new ScriptedTransport(fine);
    await openConnection(parseRemoteAddress('https://host/r'), { transport })[Symbol.asyncDispose]();
    expect(transport.closed).toBe(0);
  });
});

describe('given credentials', () => {
  it('are sent with every request, also a password in the address, and no URL and no error shows it', async () => {
    const transport = new ScriptedTransport(fine);
    const session = await open(transport, 'receive', {}, 'https://me:s3cret@host.example/r.git');
    await session.request(pieces(), { last: true, signal });
    expect(transport.told).toEqual([
      'GET https://host.example/r.git/info/refs?service=git-receive-pack me:s3cret',
      'POST https://host.example/r.git/git-receive-pack me:s3cret',
    ]);
    const echo = new ScriptedTransport(({ headers }) => ({
      status: 403,
      headers: { 'content-type': 'text/plain' },
      body: `no: s3cret ${headers['Authorization']} https://me:s3cret@host.example/r.git`,
    }));
    const refusal = open(echo, 'upload', {}, 'https://me:s3cret@host.example/r.git');
    await expect(refusal).rejects.toMatchObject({ kind: 'forbidden' });
    await expect(refusal).rejects.not.toThrow(/s3cret|bWU6czNjcmV0/);
  });

  it('replace the helper, so that a wrong token gets its own error', async () => {
    const transport = new ScriptedTransport(guarded('right'));
    const helper = new ScriptedHelper('right');
    const credentials = { kind: 'basic', password: 'wrong' } as const;
    const opening = open(transport, 'upload', { helper, credentials });
    await expect(opening).rejects.toMatchObject({ kind: 'unauthenticated', facts: { status: 401 } });
    expect(helper.told).toEqual([]);
  });
});

describe('the credential helper', () => {
  it('is not asked without a challenge', async () => {
    const helper = new ScriptedHelper('right');
    const session = await open(new ScriptedTransport(fine), 'upload', { helper });
    await session.request(Buffer.from('0000'), { last: true, signal });
    expect(helper.told).toEqual([]);
  });

  it('is asked after status 401, and told once that its answer is good; later requests use it at once', async () => {
    const transport = new ScriptedTransport(guarded('right'));
    const helper = new ScriptedHelper('right');
    const session = await open(transport, 'receive', { helper }, 'https://me@host.example/r.git');
    await session.request(pieces(), { last: true, signal });
    expect(transport.told.map((line) => line.split(' ').at(-1))).toEqual(['none', 'me:right', 'me:right']);
    expect(transport.bodies.at(-1)).toBe('one … two');
    expect(helper.told).toEqual(['fill host.example', 'approve']);
    expect(helper.questions[0]).toMatchObject({ userName: 'me', challenges: ['Basic realm="git"'] });
  });

  it.each([401, 403])('is told that its answer is bad after status %i', async (status) => {
    const transport = new ScriptedTransport(({ headers }) => ({
      status: headers['Authorization'] === undefined ? 401 : status,
    }));
    const helper = new ScriptedHelper('wrong');
    await expect(open(transport, 'upload', { helper })).rejects.toMatchObject({ facts: { status } });
    expect(helper.told).toEqual(['fill host.example', 'reject']);
  });

  it('is told nothing after an answer that is not from a git server', async () => {
    const transport = new ScriptedTransport(({ headers }) =>
      headers['Authorization'] === undefined ? { status: 401 } : { headers: { 'content-type': 'text/html' } },
    );
    const helper = new ScriptedHelper('right');
    await expect(open(transport, 'upload', { helper })).rejects.toMatchObject({ kind: 'corrupt' });
    expect(helper.told).toEqual(['fill host.example']);
  });

  it('without an answer leaves the error unchanged', async () => {
    const helper = new ScriptedHelper(undefined);
    const opening = open(new ScriptedTransport(guarded('right')), 'upload', { helper });
    await expect(opening).rejects.toMatchObject({ kind: 'unauthenticated', facts: { status: 401 } });
    expect(helper.told).toEqual(['fill host.example']);
  });

  it('is asked if only the POST is refused, and the request is repeated once', async () => {
    const transport = new ScriptedTransport(guarded('right', 'POST'));
    const helper = new ScriptedHelper('right');
    const session = await open(transport, 'upload', { helper });
    await session.request(Buffer.from('question'), { last: true, signal });
    expect(transport.bodies).toEqual(['', 'question', 'question']);
    expect(helper.told).toEqual(['fill host.example', 'approve']);
  });
});

describe('before a body that cannot be repeated', () => {
  it('a POST with a flush packet finds out whether credentials are needed', async () => {
    const transport = new ScriptedTransport(guarded('right', 'POST'));
    const helper = new ScriptedHelper('right');
    const session = await open(transport, 'receive', { helper });
    await session.request(pieces(), { last: true, signal });
    expect(transport.bodies).toEqual(['', '0000', 'one … two']);
    expect(helper.told).toEqual(['fill host.example', 'approve']);
  });

  it('the answer to that POST neither approves nor rejects: the push does', async () => {
    const transport = new ScriptedTransport((request) =>
      request.method === 'GET' ? fine(request) : { status: 401 },
    );
    const helper = new ScriptedHelper('wrong');
    const session = await open(transport, 'receive', { helper });
    await expect(session.request(pieces(), { last: true, signal })).rejects.toMatchObject({
      facts: { status: 401 },
    });
    expect(helper.told).toEqual(['fill host.example', 'reject']);
  });

  it.each([404, 405, 500])('its answer %i changes nothing', async (status) => {
    let posts = 0;
    const transport = new ScriptedTransport((request) => {
      posts += request.method === 'POST' ? 1 : 0;
      return request.method === 'POST' && posts === 1 ? { status } : fine(request);
    });
    const helper = new ScriptedHelper('right');
    const session = await open(transport, 'receive', { helper });
    await session.request(pieces(), { last: true, signal });
    expect(helper.told).toEqual([]);
  });

  it('a short body is repeated instead', async () => {
    const transport = new ScriptedTransport(guarded('right', 'POST'));
    const helper = new ScriptedHelper('right');
    const session = await open(transport, 'upload', { helper });
    await session.request(Buffer.from('short'), { last: true, signal });
    expect(transport.bodies).toEqual(['', 'short', 'short']);
  });

  it('no request is needed without a helper, with credentials, or with a repeatable body', async () => {
    for (const [options, body] of [
      [{}, pieces()],
      [{ helper: new ScriptedHelper('x'), credentials: { kind: 'bearer', token: 't' } }, pieces()],
      [{ helper: new ScriptedHelper('x') }, Buffer.from('0000')],
    ] as const) {
      const transport = new ScriptedTransport(fine);
      const session = await open(transport, 'receive', options);
      await session.request(body, { last: true, signal });
      expect(transport.requests.length).toBe(2);
    }
  });
});

describe('redirects', () => {
  const moved =
    (to: string, from = 'host.example') =>
    (request: HttpRequest): Scripted => {
      if (request.url.host !== from || request.method !== 'GET') return fine(request);
      if (new URL(to).pathname === request.url.pathname && new URL(to).host === from) return fine(request);
      return { status: 302, headers: { location: to } };
    };
  const query = '?service=git-upload-pack';

  it('on the same host are followed, and later requests go to the new URL', async () => {
    const transport = new ScriptedTransport(moved(`https://host.example/new/r.git/info/refs${query}`));
    const session = await open(transport, 'upload', {}, 'https://me:s3cret@host.example/r.git');
    await session.request(Buffer.from('0000'), { last: true, signal });
    expect(transport.told.at(-1)).toBe('POST https://host.example/new/r.git/git-upload-pack me:s3cret');
  });

  it('from http to https of the same host are followed, with the credentials', async () => {
    const transport = new ScriptedTransport((request) =>
      request.url.protocol === 'http:'
        ? { status: 301, headers: { location: request.url.href.replace('http:', 'https:') } }
        : fine(request),
    );
    await open(transport, 'upload', {}, 'http://me:s3cret@host.example/r.git');
    expect(transport.told.at(-1)).toContain(
      'https://host.example/r.git/info/refs?service=git-upload-pack me:s3cret',
    );
  });

  it('to another host are refused unless allowed', async () => {
    const transport = new ScriptedTransport(moved(`https://other.example/r.git/info/refs${query}`));
    await expect(open(transport, 'upload')).rejects.toMatchObject({ kind: 'forbidden' });
    expect(transport.requests.length).toBe(1);
  });

  it('to another host never get the credentials', async () => {
    const transport = new ScriptedTransport(moved(`https://x:y@other.example/r.git/info/refs${query}`));
    const options = { followRedirects: true, credentials: { kind: 'bearer', token: 's3cret' } } as const;
    const session = await open(transport, 'upload', options);
    await session.request(Buffer.from('0000'), { last: true, signal });
    expect(transport.told.map((line) => line.split(' ').at(-1))).toEqual(['s3cret', 'none', 'none']);
    expect(transport.told.at(-1)).toContain('POST https://other.example/r.git/git-upload-pack');
  });

  it('to another host with a challenge: the helper is asked about that host only', async () => {
    const transport = new ScriptedTransport((request) =>
      request.url.host === 'host.example'
        ? { status: 307, headers: { location: request.url.href.replace('host.', 'other.') } }
        : guarded('right')(request),
    );
    const helper = new ScriptedHelper('right');
    const options = { helper, followRedirects: true };
    const session = await open(transport, 'receive', options, 'https://me@host.example/r.git');
    await session.request(pieces(), { last: true, signal });
    expect(helper.told).toEqual(['fill other.example', 'approve']);
    expect(helper.questions[0]?.userName).toBeUndefined();
    expect(transport.told.at(-1)).toBe('POST https://other.example/r.git/git-receive-pack git:right');
  });

  it('to another host without certificate checks: the helper is not asked', async () => {
    const transport = new ScriptedTransport((request) =>
      request.url.host === 'host.example'
        ? { status: 307, headers: { location: request.url.href.replace('host.', 'other.') } }
        : { status: 401 },
    );
    const helper = new ScriptedHelper('right');
    const options = { helper, followRedirects: true, insecureTls: true };
    await expect(open(transport, 'upload', options)).rejects.toMatchObject({ facts: { status: 401 } });
    expect(helper.told).toEqual([]);
  });

  it.each([
    ['without encryption', 'http://host.example/r.git/info/refs?service=git-upload-pack', 'forbidden'],
    ['to something else', 'https://host.example/login', 'corrupt'],
    ['to another service', 'https://host.example/r.git/info/refs?service=git-receive-pack', 'corrupt'],
    ['to no web page', 'file:///etc/passwd', 'corrupt'],
    ['to nowhere', '', 'corrupt'],
    ['in a circle', 'https://host.example/r.git/info/refs?service=git-upload-pack', 'corrupt'],
  ])('%s are not followed', async (_, location, kind) => {
    const transport = new ScriptedTransport(() => ({ status: 302, headers: { location } }));
    const options = { followRedirects: true };
    await expect(open(transport, 'upload', options)).rejects.toMatchObject({ kind });
    expect(transport.requests.length).toBeLessThan(30);
  });

  it('of a POST are not followed', async () => {
    const transport = new ScriptedTransport((request) =>
      request.method === 'GET'
        ? fine(request)
        : { status: 307, headers: { location: 'https://other.example/r.git/git-upload-pack' } },
    );
    const session = await open(transport, 'upload', { followRedirects: true });
    const posting = session.request(Buffer.from('0000'), { last: true, signal });
    await expect(posting).rejects.toMatchObject({ facts: { status: 307 } });
    expect(transport.requests.length).toBe(2);
  });
});
