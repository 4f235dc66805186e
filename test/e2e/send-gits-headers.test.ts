import { connect } from 'node:net';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { delimiterPacket, encodePacket, flushPacket } from '../../src/git/index.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import { run } from '../helpers/git-client.ts';
import { hosted } from '../helpers/hosted.ts';
import { absentId, pushHead, RECEIVE_PACK, UPLOAD_PACK } from '../helpers/raw-git.ts';
import { speak } from '../helpers/raw-socket.ts';

/** Headers of the connection and of the answer's length: a web server adds them to what the CGI program says. */
const OF_THE_TRANSPORT = /^(connection|content-length|date|keep-alive|transfer-encoding):/i;

interface Question {
  readonly what: string;
  readonly endpoint: string;
  readonly query?: string;
  readonly type?: string;
  readonly body?: (tip: string) => Buffer;
  readonly env?: Readonly<Record<string, string>>;
}

const QUESTIONS: readonly Question[] = [
  ...['', 'version=1', 'version=2'].map((protocol) => ({
    what: `the refs for reading (${protocol || 'version 0'})`,
    endpoint: 'info/refs',
    query: 'service=git-upload-pack',
    env: protocol === '' ? {} : { GIT_PROTOCOL: protocol },
  })),
  { what: 'the refs for pushing', endpoint: 'info/refs', query: 'service=git-receive-pack' },
  {
    what: 'a fetch',
    endpoint: 'git-upload-pack',
    type: UPLOAD_PACK['Content-Type'],
    body: (tip) =>
      Buffer.concat([encodePacket(`want ${tip} ofs-delta\n`), flushPacket, encodePacket('done\n')]),
  },
  {
    what: 'a list of refs',
    endpoint: 'git-upload-pack',
    type: UPLOAD_PACK['Content-Type'],
    body: () => Buffer.concat([encodePacket('command=ls-refs\n'), delimiterPacket, flushPacket]),
    env: { GIT_PROTOCOL: 'version=2' },
  },
  {
    what: 'a fetch that is refused',
    endpoint: 'git-upload-pack',
    type: UPLOAD_PACK['Content-Type'],
    body: () =>
      Buffer.concat([encodePacket(`want ${absentId()} ofs-delta\n`), flushPacket, encodePacket('done\n')]),
  },
  {
    what: 'a push that is refused in its report',
    endpoint: 'git-receive-pack',
    type: RECEIVE_PACK['Content-Type'],
    body: () => pushHead([{ name: 'refs/heads/none', from: absentId() }]),
  },
];

/** The head of an answer as it came over the wire: its status, and the lines of the application in their order. */
interface Head {
  readonly status: number;
  readonly headers: readonly string[];
}

function headOf(text: string, status: number): Head {
  const [head = ''] = text.split('\r\n\r\n');
  const headers = head
    .split('\r\n')
    .filter((line) => /^[A-Za-z-]+: /.test(line) && !/^Status:/i.test(line) && !OF_THE_TRANSPORT.test(line));
  return { status, headers };
}

describe('git responses have the headers of git http-backend, byte for byte and in its order (issue 11, point 17)', () => {
  const cairn = hosted(async () => new MemoryObjectStore());
  let url: URL;
  let tip: string;
  let root: string;
  let backend: string;

  beforeAll(async () => {
    const { url: place, tip: id, author, user } = await cairn.published();
    [url, tip, root] = [new URL(place), id, user.folder];
    await author.run(['clone', '--quiet', '--bare', '.', '../reference.git']);
    backend = join(await author.run(['--exec-path']), 'git-http-backend');
  });

  async function ofTheReference(path: string, question: Question): Promise<Head> {
    const { endpoint, query = '', type, body, env = {} } = question;
    const answer = await run(backend, [], {
      input: body?.(tip) ?? '',
      env: {
        PATH: process.env['PATH'] ?? '',
        GIT_PROJECT_ROOT: root,
        GIT_HTTP_EXPORT_ALL: '1',
        GIT_CONFIG_COUNT: '1',
        GIT_CONFIG_KEY_0: 'http.receivepack',
        GIT_CONFIG_VALUE_0: 'true',
        PATH_INFO: `${path}/${endpoint}`,
        QUERY_STRING: query,
        REQUEST_METHOD: body === undefined ? 'GET' : 'POST',
        ...(type === undefined ? {} : { CONTENT_TYPE: type }),
        ...env,
      },
    });
    return headOf(answer.stdout, Number(/^Status: (\d+)/m.exec(answer.stdout)?.[1] ?? 200));
  }

  /** Over a socket of its own: an HTTP client would sort or join what it reads. */
  async function ofCairn(path: string, { endpoint, query, type, body, env }: Question): Promise<Head> {
    const bytes = body?.(tip);
    const lines = [
      `${bytes === undefined ? 'GET' : 'POST'} ${path}/${endpoint}${query === undefined ? '' : `?${query}`} HTTP/1.1`,
      `Host: ${url.host}`,
      'Connection: close',
      ...(env?.['GIT_PROTOCOL'] === undefined ? [] : [`Git-Protocol: ${env['GIT_PROTOCOL']}`]),
      ...(type === undefined ? [] : [`Content-Type: ${type}`]),
      ...(bytes === undefined ? [] : [`Content-Length: ${bytes.length}`]),
    ];
    const request = Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), bytes ?? Buffer.alloc(0)]);
    const answer = await speak(connect(Number(url.port), url.hostname), request);
    const text = answer.toString('latin1');
    return headOf(text, Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]));
  }

  it.each(QUESTIONS)('to $what', async (question) => {
    const expected = await ofTheReference('/reference.git', question);
    const answered = await ofCairn(url.pathname, question);

    expect(expected.headers).toHaveLength(4);
    expect(answered).toEqual(expected);
  });

  it.each<Question>([
    {
      what: 'refs of a repository that is not there',
      endpoint: 'info/refs',
      query: 'service=git-upload-pack',
    },
  ])('to $what, where a reason with its type follows', async (question) => {
    const expected = await ofTheReference('/nowhere.git', question);
    const answered = await ofCairn(url.pathname.replace(/[^/]*$/, 'nowhere.git'), question);

    expect(expected).toMatchObject({ status: 404 });
    expect(expected.headers).toHaveLength(3);
    expect(answered).toEqual({
      status: 404,
      headers: [...expected.headers, 'Content-Type: text/plain; charset=utf-8'],
    });
  });
});
