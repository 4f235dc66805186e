import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { delimiterPacket, encodePacket, flushPacket } from '../../src/git/index.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import { type Hosted, hosted } from '../helpers/hosted.ts';
import {
  absentId,
  fetchFrom,
  packetsOf,
  packOf,
  push,
  pushHead,
  RECEIVE_PACK,
  send,
} from '../helpers/raw-git.ts';
import { until } from '../helpers/until.ts';

const V2 = { 'Git-Protocol': 'version=2' };
const OWNER = 'a'.repeat(64);

function command(...lines: readonly (string | Buffer)[]): Buffer {
  return Buffer.concat(lines.map((line) => (typeof line === 'string' ? encodePacket(`${line}\n`) : line)));
}

/** Enough lines for some to be lost when the end of their compressed form is. */
function refPrefixes(): string[] {
  return Array.from({ length: 200 }, (_, at) => `ref-prefix refs/heads/${at}`);
}

describe('a malformed request', () => {
  const cairn = hosted(async () => new MemoryObjectStore());
  let url: string;
  let tip: string;

  beforeAll(async () => {
    ({ url, tip } = await cairn.published());
  });

  describe('is refused with a reason if the path', () => {
    it.each([
      {
        what: 'names an unknown repository',
        path: `/git/${OWNER}/nowhere.git`,
        status: 404,
        reason: 'repository not found',
      },
      {
        what: 'names no owner',
        path: '/git/somebody/x.git',
        status: 400,
        reason: 'neither an npub nor a public key',
      },
      {
        what: 'names an owner in upper case',
        path: `/git/${'A'.repeat(64)}/x.git`,
        status: 400,
        reason: 'lower-case hex',
      },
      { what: 'has a damaged npub', path: '/git/npub1xxx/x.git', status: 400, reason: 'not a valid npub' },
      { what: 'goes up', path: `/git/${OWNER}/%2e%2e.git`, status: 400, reason: 'cannot be "." or ".."' },
      { what: 'goes nowhere', path: `/git/${OWNER}/..git`, status: 400, reason: 'cannot be "." or ".."' },
      {
        what: 'has an encoded slash',
        path: `/git/${OWNER}/a%2Fb.git`,
        status: 400,
        reason: 'slash or backslash',
      },
      { what: 'has a backslash', path: `/git/${OWNER}/a%5Cb.git`, status: 400, reason: 'slash or backslash' },
      { what: 'has a line break', path: `/git/${OWNER}/a%0Ab.git`, status: 400, reason: 'control character' },
      { what: 'has a NUL', path: `/git/${OWNER}/a%00b.git`, status: 400, reason: 'control character' },
      {
        what: 'is not UTF-8',
        path: `/git/${OWNER}/%ff.git`,
        status: 400,
        reason: 'not valid percent-encoded UTF-8',
      },
      {
        what: 'has a lone percent sign',
        path: `/git/${OWNER}/100%.git`,
        status: 400,
        reason: 'percent-encoded',
      },
      { what: 'has no identifier', path: `/git/${OWNER}/.git`, status: 400, reason: 'identifier is empty' },
      {
        what: 'ends in .git twice',
        path: `/git/${OWNER}/x.git.git`,
        status: 400,
        reason: 'cannot end in ".git"',
      },
      {
        what: 'is too long',
        path: `/git/${OWNER}/${'x'.repeat(257)}.git`,
        status: 400,
        reason: 'longer than 256 bytes',
      },
      {
        what: 'has too many parts',
        path: `/git/${OWNER}/x/y.git`,
        status: 404,
        reason: 'names no repository',
      },
    ])('$what', async ({ path, status, reason }) => {
      const refs = await send(`${cairn.app.url}${path}/info/refs?service=git-upload-pack`);
      expect(refs.status).toBe(status);
      expect(refs.text).toContain(reason);
      expect(refs.headers['content-type']).toMatch(/^text\/plain/);

      const posted = await fetchFrom(
        `${cairn.app.url}${path}`,
        command('command=ls-refs', delimiterPacket, flushPacket),
        V2,
      );
      expect(posted.status).toBe(status);
      expect(posted.text).toContain(reason);
    });
  });

  it('shows git users why a name is invalid', async () => {
    const { user } = await cairn.place();

    const cloned = await user.try(['clone', `${cairn.app.url}/git/${OWNER}/a%5Cb.git`, 'clone']);

    expect(cloned.exitCode).toBe(128);
    expect(cloned.stderr).toContain('remote: the repository identifier has a slash or backslash');
  });

  describe('is refused with a reason if', () => {
    it.each([
      {
        what: 'it asks for an unknown service',
        path: 'info/refs?service=git-upload-archive',
        reason: 'unknown service "git-upload-archive"',
      },
      { what: 'it asks for no service', path: 'info/refs?service=', reason: 'unknown service ""' },
      { what: 'it reads from where only posts go', path: 'git-upload-pack', reason: 'asked for with POST' },
      { what: 'it asks for something else', path: 'settings', reason: 'smart HTTP' },
    ])('$what', async ({ path, reason }) => {
      const answer = await send(`${url}/${path}`);

      expect(Math.floor(answer.status / 100)).toBe(4);
      expect(answer.text).toContain(reason);
    });

    it.each(['POST', 'PUT', 'DELETE', 'PATCH'])('it sends %s to the refs', async (method) => {
      const answer = await send(`${url}/info/refs?service=git-upload-pack`, { method });

      expect(answer.status).toBe(405);
      expect(answer.headers['allow']).toBe('GET, HEAD, OPTIONS');
      expect(answer.text).toContain('info/refs is asked for with GET');
    });

    it.each(['git-upload-pack', 'git-receive-pack'])('it reads %s', async (endpoint) => {
      const answer = await send(`${url}/${endpoint}`);

      expect(answer.status).toBe(405);
      expect(answer.headers['allow']).toBe('POST, OPTIONS');
    });

    it.each(['text/plain', 'application/x-git-receive-pack-request', undefined])(
      'a fetch has the content type %s',
      async (type) => {
        const headers = type === undefined ? {} : { 'Content-Type': type };
        const answer = await send(`${url}/git-upload-pack`, { headers, body: flushPacket });

        expect(Math.floor(answer.status / 100)).toBe(4);
        expect(answer.text).toContain('expected content type application/x-git-upload-pack-request');
      },
    );

    it('it has an encoding that was not offered', async () => {
      const answer = await fetchFrom(url, Buffer.from('x'), { 'Content-Encoding': 'br' });

      expect(Math.floor(answer.status / 100)).toBe(4);
      expect(answer.text).toContain('content encoding br is not supported');
    });

    it.each([
      { what: 'ends early', cut: (body: Buffer) => gzipSync(body).subarray(0, -20) },
      { what: 'is not compressed at all', cut: (body: Buffer) => body },
    ])('its compressed body $what', async ({ cut }) => {
      const headers = { 'Content-Encoding': 'gzip' };
      const listing = command('command=ls-refs', delimiterPacket, ...refPrefixes(), flushPacket);
      const fetched = await fetchFrom(url, cut(listing), { ...headers, ...V2 });
      expect(fetched.status).toBe(400);
      expect(fetched.text).toContain('the request body cannot be read');

      const names = refPrefixes().map((_, at) => ({ name: `refs/heads/${at}` }));
      const body = cut(pushHead(names));
      const pushed = await send(`${url}/git-receive-pack`, {
        headers: { ...RECEIVE_PACK, ...headers },
        body,
      });
      expect(pushed.status).toBe(400);
      expect(pushed.text).toContain('the request body cannot be read');
    });
  });

  describe('is refused with a reason when a fetch (issue 11, point 15)', () => {
    it.each([
      { what: 'is not made of packets', body: Buffer.from('nonsense'), reason: 'malformed packet' },
      { what: 'has a packet of length 3', body: Buffer.from('0003'), reason: 'malformed packet' },
      { what: 'has a packet that is too long', body: Buffer.from('ffff'), reason: 'malformed packet' },
      { what: 'ends in a packet', body: Buffer.from('0032want'), reason: 'the request ended early' },
    ])('$what, in every version', async ({ body, reason }) => {
      for (const headers of [{}, { 'Git-Protocol': 'version=1' }, V2]) {
        const answer = await fetchFrom(url, body, headers);
        expect(answer.status).toBe(400);
        expect(answer.text).toContain(reason);
      }
    });

    it.each([
      {
        what: 'wants something that is no id',
        body: command('want me', flushPacket),
        reason: 'expected an object id',
      },
      {
        what: 'wants an id of the wrong length',
        body: command(`want ${absentId('sha256')}`, flushPacket),
        reason: 'expected an object id',
      },
      { what: 'says something unknown', body: command('please', flushPacket), reason: 'unexpected line' },
      {
        what: 'deepens by nothing',
        body: command(`want ${absentId()}`, 'deepen x', flushPacket),
        reason: 'expected a number',
      },
      {
        what: 'never ends its wants',
        body: command(`want ${absentId()}`),
        reason: 'the request ended early',
      },
    ])('$what, in v0', async ({ body, reason }) => {
      const answer = await fetchFrom(url, body);

      expect(answer.status).toBe(400);
      expect(answer.text).toContain(reason);
    });

    it.each([
      {
        what: 'names no command',
        body: command('agent=x', flushPacket),
        reason: 'the request names no command',
      },
      {
        what: 'names two commands',
        body: command('command=fetch', 'command=ls-refs', flushPacket),
        reason: 'only one command',
      },
      {
        what: 'never ends',
        body: command('command=ls-refs', delimiterPacket),
        reason: 'the request ended early',
      },
      {
        what: 'says something unknown',
        body: command('command=fetch', delimiterPacket, 'please', flushPacket),
        reason: 'unexpected line in fetch',
      },
      {
        what: 'lists with something unknown',
        body: command('command=ls-refs', delimiterPacket, 'please', flushPacket),
        reason: 'unexpected line in ls-refs',
      },
      {
        what: 'has an end of the response in it',
        body: command('command=fetch', Buffer.from('0002')),
        reason: 'unexpected response-end packet',
      },
    ])('$what, in v2', async ({ body, reason }) => {
      const answer = await fetchFrom(url, body, V2);

      expect(answer.status).toBe(400);
      expect(answer.text).toContain(reason);
    });

    it('it names an unknown command of v2; git shows the reason', async () => {
      const answer = await fetchFrom(url, command('command=dance', flushPacket), V2);

      expect(packetsOf(answer.body)).toEqual(["ERR unknown command 'dance'"]);
    });

    it('it wants a missing object; git shows the reason', async () => {
      const v0 = await fetchFrom(url, command(`want ${absentId()}`, flushPacket, 'done'));
      expect(packetsOf(v0.body)).toEqual([`ERR upload-pack: not our ref ${absentId()}`]);

      const wants = command('command=fetch', delimiterPacket, `want ${absentId()}`, 'done', flushPacket);
      const v2 = await fetchFrom(url, wants, V2);
      expect(packetsOf(v2.body)).toEqual([`ERR upload-pack: not our ref ${absentId()}`]);
    });
  });

  describe('is refused with a reason when a push', () => {
    const capabilities = 'report-status side-band-64k';

    it.each([
      { what: 'is not made of packets', body: Buffer.from('nonsense'), reason: 'malformed packet' },
      { what: 'is empty', body: Buffer.alloc(0), reason: 'the request ended early' },
      { what: 'ends in its commands', body: Buffer.from('0032abc'), reason: 'the request ended early' },
      {
        what: 'has a command that is none',
        body: command('please', flushPacket),
        reason: 'expected old id, new id and ref',
      },
      { what: 'has a delimiter in it', body: delimiterPacket, reason: 'unexpected delimiter packet' },
      { what: 'is signed', body: command(`push-cert\0${capabilities}`, flushPacket), reason: 'push-cert' },
      {
        what: 'has ids of another format',
        body: command(
          `${absentId('sha256')} ${absentId('sha256')} refs/heads/x\0${capabilities} object-format=sha256`,
          flushPacket,
        ),
        reason: 'object format',
      },
    ])('$what', async ({ body, reason }) => {
      cairn.store.reset();

      const answer = await push(url, body);

      expect(answer.status).toBe(400);
      expect(answer.text).toContain(reason);
      expect(cairn.store.writes()).toBe(0);
    });
  });

  it('and then leaves the server unchanged', async () => {
    expect(
      (await fetchFrom(url, command('command=ls-refs', delimiterPacket, flushPacket), V2)).text,
    ).toContain(tip);
    await expect.poll(() => cairn.app.git.running).toBe(0);
  });
});

describe('a push above the server’s limit', () => {
  const cairn = hosted(async () => new MemoryObjectStore(), { flags: { 'max-refs-per-push': '3' } });
  const names = ['a', 'b', 'c', 'd'].map((name) => `refs/heads/${name}`);

  it('is refused in git’s output', async () => {
    const { author } = await cairn.published();

    const refused = await author.try(['push', 'origin', ...names.map((name) => `main:${name}`)]);

    expect(refused.exitCode).not.toBe(0);
    expect(refused.stderr).toContain('one push may name at most 3 refs');
    await author.run(['push', '--quiet', 'origin', ...names.slice(1).map((name) => `main:${name}`)]);
  });

  it('is refused by its status if the client cannot show more', async () => {
    const { url, tip } = await cairn.published();
    const head = pushHead(
      names.map((name) => ({ name, to: tip })),
      { capabilities: 'report-status' },
    );

    const answer = await push(url, Buffer.concat([head, packOf([])]));

    expect(answer).toMatchObject({ status: 413, text: 'one push may name at most 3 refs\n' });
  });
});

describe('too many requests at once', () => {
  const cairn = hosted(async () => new MemoryObjectStore(), {
    flags: { 'git-concurrency': '1', 'git-queue': '0' },
  });

  it('are answered 503 with a time to come back, and pushes in their report', async () => {
    const { url, author, tip } = await cairn.published();
    const later = await author.commit('Later', { later: 'later' });
    // A push that does not go on holds the only slot: one too large for git to be started only when all of it is here.
    const pack = packOf([{ type: 'blob', content: randomBytes(3 * 1024 * 1024) }]);
    const half = 2 * 1024 * 1024;
    const held = request(`${url}/git-receive-pack`, { method: 'POST', headers: RECEIVE_PACK });
    const ended = new Promise<number | undefined>((resolve, reject) => {
      held.on('response', (incoming) => incoming.resume().on('end', () => resolve(incoming.statusCode)));
      held.on('error', reject);
    });
    held.write(
      Buffer.concat([pushHead([{ name: 'refs/heads/held', to: absentId() }]), pack.subarray(0, half)]),
    );
    await until(() => cairn.app.git.running === 1);

    const fetch = command(`want ${tip} side-band-64k`, flushPacket, 'done');
    const fetched = await fetchFrom(url, fetch);
    expect(fetched.status).toBe(503);
    expect(fetched.headers['retry-after']).toMatch(/^\d+$/);
    expect(fetched.text).toContain('try again');
    const pushed = await author.try(['push', 'origin', 'main']);
    expect(pushed.exitCode).toBe(1);
    expect(pushed.stderr).toMatch(/! \[remote rejected\] main -> main \(.*try again.*\)/);
    // What needs no git goes on.
    expect(await author.run(['ls-remote', url, 'main'])).toContain(tip);

    held.end(pack.subarray(half));
    expect(await ended).toBe(200);
    expect((await fetchFrom(url, fetch)).status).toBe(200);
    await author.run(['push', '--quiet', 'origin', 'main']);
    expect(await author.run(['ls-remote', url, 'main'])).toContain(later);
  });
});

describe('a store that does not answer', () => {
  const cairn = hosted(async () => new MemoryObjectStore());
  afterEach(() => cairn.store.reset());

  function storeDown(hostedServer: Hosted): void {
    hostedServer.store.rules.push(() => ({ does: 'unavailable' }));
  }

  it('makes reads fail with a reason that git shows in every version, not with a cached answer (issue 11, point 19)', async () => {
    const { url, user, tip } = await cairn.published();
    await user.clone(url, 'before');
    storeDown(cairn);

    for (const headers of [{}, { 'Git-Protocol': 'version=1' }]) {
      const refs = await send(`${url}/info/refs?service=git-upload-pack`, { headers });
      expect(refs.status).toBe(503);
      expect(refs.headers['retry-after']).toMatch(/^\d+$/);
      expect(refs.text).toContain('the object store does not answer');
    }
    // Of a failed POST git shows nothing but an answer, so there the reason is one.
    const listed = await fetchFrom(url, command('command=ls-refs', delimiterPacket, flushPacket), V2);
    const unknown = await fetchFrom(url, command(`want ${absentId()}`, flushPacket, 'done'));
    for (const { status, body } of [listed, unknown]) {
      expect(status).toBe(200);
      expect(packetsOf(body)).toEqual([
        expect.stringMatching(/^ERR the object store does not answer.*\(request [0-9a-f]{12}\)$/),
      ]);
    }
    for (const version of ['0', '1', '2']) {
      const cloned = await user.with(`protocol.version=${version}`).try(['clone', url, `v${version}`]);
      expect(cloned.exitCode).toBe(128);
      expect(cloned.stderr).toContain('the object store does not answer');
    }
    // A request is counted when everything is cleared away, which its client need not wait for.
    await expect
      .poll(async () => (await fetch(`${cairn.app.url}/metrics`)).text())
      .toMatch(/^cairn_http_requests_total\{route="git git-upload-pack",status="503"\} 3$/m);

    cairn.store.reset();
    expect(await user.run(['ls-remote', url, 'main'])).toContain(tip);
  });

  it('is not reported as an empty or missing repository', async () => {
    const { url } = await cairn.place();
    storeDown(cairn);

    const refs = await send(`${url}/info/refs?service=git-receive-pack`);

    expect(refs.status).toBe(503);
  });

  it('makes a push fail with a reason, and the next one succeeds', async () => {
    const { author, url } = await cairn.published();
    const later = await author.commit('Later', { later: 'later' });
    cairn.store.rules.push(({ operation }) => (operation === 'put' ? { does: 'unavailable' } : undefined));

    const refused = await author.try(['push', 'origin', 'main']);

    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toMatch(
      /! \[remote rejected\] main -> main \(.*the object store does not answer.*\)/,
    );
    cairn.store.reset();
    await author.run(['push', '--quiet', 'origin', 'main']);
    expect(await author.run(['ls-remote', url, 'main'])).toContain(later);
  });

  it('makes a push fail before it is sent if it is down from the start', async () => {
    const { author } = await cairn.published();
    await author.commit('Later', { later: 'later' });
    storeDown(cairn);

    const refused = await author.try(['push', 'origin', 'main']);

    expect(refused.exitCode).not.toBe(0);
    expect(refused.stderr).toContain('503');
  });

  it('is reported to a client that pushes without reading the refs', async () => {
    const { url, tip } = await cairn.published();
    storeDown(cairn);

    const answer = await push(url, pushHead([{ name: 'refs/heads/main', from: tip }]));

    expect(answer.status).toBe(503);
    expect(answer.text).toContain('the object store does not answer');
  });
});
