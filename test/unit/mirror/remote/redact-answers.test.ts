/** What a remote repeats of what was shown to it, in git's own protocol, is seen by nobody. */
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodePacket, encodeSideband, flushPacket } from '../../../../src/git/index.ts';
import { openGitSource } from '../../../../src/mirror/remote/git-source.ts';
import { openConnection } from '../../../../src/mirror/remote/open-connection.ts';
import { parseRemoteAddress } from '../../../../src/mirror/remote/remote-address.ts';
import { Target } from '../../../../src/mirror/remote/target.ts';
import type { HttpAnswer, HttpRequest, HttpTransport } from '../../../../src/outbound/http-transport.ts';
import { tempDir } from '../../../helpers/temp-dir.ts';

const { signal } = new AbortController();
const SECRET = 'hunter2secret';
/** As it is, as it was sent, and behind a control sequence. */
const REPEATED = `${SECRET} ${Buffer.from(`git:${SECRET}`).toString('base64')} hunter2\u001b[0msecret`;
const HIDDEN = '<redacted> <redacted> <redacted>';
const OID = '1'.repeat(40);
const V2 = ['version 2\n', 'ls-refs\n', 'fetch=shallow\n'];

const packets = (...lines: string[]) =>
  Buffer.concat([...lines.map((line) => encodePacket(line)), flushPacket]);
const bands = (...texts: (readonly [band: 1 | 2 | 3, text: string])[]) =>
  texts.flatMap(([band, text]) => [...encodeSideband(band, Buffer.from(text))]);

/** A server that answers one request after another with bodies that were prepared. */
function serverThatSays(...bodies: readonly Buffer[]): HttpTransport {
  const left = [...bodies];
  return {
    async send({ method, url, body }: HttpRequest): Promise<HttpAnswer> {
      if (body !== undefined && !Buffer.isBuffer(body)) for await (const _ of body);
      const service = url.searchParams.get('service') ?? url.pathname.split('/').at(-1) ?? '';
      const type = `application/x-${service}-${method === 'GET' ? 'advertisement' : 'result'}`;
      const answer = left.shift() ?? flushPacket;
      const chunks = async function* () {
        if (method === 'GET') yield packets(`# service=${service}\n`);
        yield answer;
      };
      return { status: 200, headers: { 'content-type': type }, body: chunks() };
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

const connectionTo = (transport: HttpTransport) =>
  openConnection(parseRemoteAddress('https://host.example/r.git'), {
    transport,
    credentials: { kind: 'basic', password: SECRET },
  });

const sourceThatSays = (...bodies: readonly Buffer[]) =>
  openGitSource(connectionTo(serverThatSays(...bodies)), {
    protocol: 'auto',
    agent: 'cairn/test',
    prefixes: ['refs/'],
    signal,
  });

describe('a secret that a source repeats is removed', () => {
  it.each([
    ['before it lists refs', [packets(`ERR ${REPEATED}`)]],
    ['instead of a list of refs', [packets(...V2), packets(`ERR ${REPEATED}`)]],
  ])('%s', async (_, bodies) => {
    await expect(sourceThatSays(...bodies)).rejects.toMatchObject({ message: `remote: ${HIDDEN}` });
  });

  it('in a list of refs that is none', async () => {
    const opening = sourceThatSays(packets(`${OID} refs/heads/main\0ofs-delta\n`, `what ${REPEATED}\n`));
    await expect(opening).rejects.toThrow(/what <redacted>/);
    await expect(opening).rejects.not.toThrow('hunter2');
  });

  it('in the text of an HTTP error', async () => {
    const refusing: HttpTransport = {
      send: async () => ({
        status: 403,
        headers: { 'content-type': 'text/plain' },
        body: (async function* () {
          yield Buffer.from(`no: ${REPEATED}`);
        })(),
      }),
      [Symbol.asyncDispose]: async () => undefined,
    };
    const options = { protocol: 'auto', agent: 'cairn/test', prefixes: [], signal } as const;
    await expect(openGitSource(connectionTo(refusing), options)).rejects.toThrow(`no: ${HIDDEN}`);
  });

  it('where a long text is cut', async () => {
    const opening = sourceThatSays(packets(...V2), packets(`ERR ${'x'.repeat(995)}${SECRET}`));
    await expect(opening).rejects.not.toThrow('hunt');
  });

  it.each([
    ['instead of a pack', packets(`ERR ${REPEATED}`)],
    ['within a pack', Buffer.concat([encodePacket('packfile\n'), ...bands([3, REPEATED])])],
  ])('%s', async (_, body) => {
    await using source = await sourceThatSays(packets(...V2), packets(`${OID} refs/heads/main\n`), body);
    const request = { wants: [OID], haves: [], progress: true, includeTag: false };
    const reading = (async () => {
      for await (const _ of await source.fetch(request, { signal }));
    })();
    await expect(reading).rejects.toMatchObject({ message: `remote: ${HIDDEN}` });
  });

  it('from messages in one packet or two, and from capabilities', async () => {
    const body = Buffer.concat([
      encodePacket('packfile\n'),
      ...bands([2, `one ${REPEATED}\rtwo hunter`], [2, '2secret\n'], [1, 'PACK'], [2, `three ${SECRET}`]),
      flushPacket,
    ]);
    const able = packets(...V2, `agent=${SECRET}\n`, 'session-id=hunter2\u001b[0msecret\n');
    await using source = await sourceThatSays(able, packets(`${OID} refs/heads/main\n`), body);
    expect(source.listing.capabilities).toEqual(
      expect.arrayContaining(['agent=<redacted>', 'session-id=<redacted>']),
    );
    const request = { wants: [OID], haves: [], progress: true, includeTag: false };
    const told: string[] = [];
    const chunks: Buffer[] = [];
    const options = { signal, onMessage: (text: string) => void told.push(text) };
    for await (const chunk of await source.fetch(request, options)) chunks.push(Buffer.from(chunk));
    expect(Buffer.concat(chunks).toString()).toBe('PACK');
    expect(told.join('')).toBe(`one ${HIDDEN}\rtwo <redacted>\nthree <redacted>`);
  });
});

describe('a secret that a target repeats is removed', () => {
  const able = packets(`${OID} refs/heads/main\0report-status side-band-64k delete-refs\n`);
  const pushTo = async (body: Buffer, onMessage: (text: string) => void = () => undefined) => {
    const connection = connectionTo(serverThatSays(able, body));
    await using target = await Target.open(connection, { agent: 'cairn/test', signal });
    const command = { name: 'refs/heads/main', oldId: OID, newId: '0'.repeat(40) };
    return await target.push([command], undefined, { signal, onMessage });
  };

  it('from its report and its messages', async () => {
    const report = packets(`unpack ${REPEATED}\n`, `ng refs/heads/main no: ${REPEATED}\n`).toString();
    const told: string[] = [];
    const body = Buffer.concat([...bands([2, `you are ${SECRET}\n`], [1, report]), flushPacket]);
    const result = await pushTo(body, (text) => void told.push(text));
    expect(told).toEqual(['you are <redacted>\n']);
    expect(result?.unpack).toBe(HIDDEN);
    expect(result?.refs.get('refs/heads/main')).toBe(`no: ${HIDDEN}`);
  });

  it('from a malformed report', async () => {
    const pushing = pushTo(
      Buffer.concat([...bands([1, packets(`what ${REPEATED}\n`).toString()]), flushPacket]),
    );
    await expect(pushing).rejects.toMatchObject({ kind: 'corrupt' });
    await expect(pushing).rejects.not.toThrow('hunter2');
  });
});

it('a password in an address that a local program prints is removed from lines and errors', async () => {
  await using folder = await tempDir();
  const git = join(folder.path, 'git');
  await writeFile(git, `#!/bin/sh\necho 'fatal: https://me:${SECRET}@host.example/x is down' >&2\nexit 1\n`);
  await chmod(git, 0o755);
  const told: string[] = [];
  const address = parseRemoteAddress(folder.path);
  const connection = openConnection(address, { git, onMessage: (line) => void told.push(line) });
  const options = { protocol: 'auto', agent: 'cairn/test', prefixes: [], signal } as const;
  await expect(openGitSource(connection, options)).rejects.toThrow(/https:\/\/host\.example\/x is down/);
  expect(told).toEqual(['fatal: https://host.example/x is down']);
});
