import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import { hosted } from '../helpers/hosted.ts';
import { packetsOf, push, RECEIVE_PACK, send } from '../helpers/raw-git.ts';
import { eachStore } from '../helpers/stores.ts';

const MIB = 2 ** 20;

eachStore('pushing more than a mebibyte', (openStore) => {
  const cairn = hosted(openStore);

  it('a large push succeeds with default settings, in chunks after a probe', async () => {
    const { url, user, author } = await cairn.published();
    const tip = await author.commit('Large', { 'large.bin': randomBytes(3 * MIB) });

    const pushed = await author.try(['push', '--progress', 'origin', 'main'], {
      env: { GIT_TRACE_CURL: '1' },
    });

    expect(pushed.exitCode).toBe(0);
    expect(pushed.stderr).toContain('Transfer-Encoding: chunked');
    expect(pushed.stderr).toContain('Content-Length: 4');
    const clone = await user.clone(url, 'clone');
    expect(await clone.oidOf('HEAD')).toBe(tip);
    await clone.run(['fsck', '--strict']);
  });

  it('a large push succeeds in one piece if the client buffers it', async () => {
    const { url, user, author } = await cairn.published();
    const tip = await author.commit('Large', { 'large.bin': randomBytes(3 * MIB) });

    const pushed = await author
      .with(`http.postBuffer=${16 * MIB}`)
      .try(['push', 'origin', 'main'], { env: { GIT_TRACE_CURL: '1' } });

    expect(pushed.exitCode).toBe(0);
    expect(pushed.stderr).toMatch(/Content-Length: 3\d{6}/);
    expect(await user.run(['ls-remote', url, 'main'])).toContain(tip);
  });

  it('a large push shows the progress of the server', async () => {
    const { author } = await cairn.published();
    const files = Array.from({ length: 300 }, (_, at) => [`file-${at}`, `${at}\n`.repeat(500)]);
    await author.commit('Many files', Object.fromEntries(files));
    await author.commit(
      'The same with a change',
      Object.fromEntries(files.map(([name, text]) => [name, `${text}more`])),
    );

    const pushed = await author.try(['push', '--progress', 'origin', 'main']);

    expect(pushed.stderr).toMatch(/remote: Resolving deltas: 100%/);
  });
});

describe('git’s probe before a large push', () => {
  // Requests are counted: none shall come from what goes on in the background.
  const cairn = hosted(async () => new MemoryObjectStore(), { overrides: { background: false } });
  const readOnly = hosted(async () => new MemoryObjectStore(), { flags: { access: 'read-only' } });

  it.each([
    { path: '/git/OWNER/never-seen.git', what: 'a repository that does not exist' },
    { path: '/git/nobody/x.git', what: 'an owner that is none' },
    { path: '/git/OWNER/%2e%2e.git', what: 'an identifier that is none' },
    { path: '/git/OWNER/%ff.git', what: 'an identifier that is not UTF-8' },
  ])('is accepted for $what', async ({ path }) => {
    const { url } = await cairn.place();
    const { origin } = new URL(url);
    const owner = url.split('/')[4] ?? '';

    const answer = await send(`${origin}${path.replace('OWNER', owner)}/git-receive-pack`, {
      headers: RECEIVE_PACK,
      body: '0000',
    });

    expect(answer).toMatchObject({ status: 200, text: '' });
    expect(answer.headers['content-type']).toBe('application/x-git-receive-pack-result');
  });

  it('is accepted for an existing repository, without a request to the store', async () => {
    const { url } = await cairn.published();
    cairn.store.reset();

    expect(await push(url, Buffer.from('0000'))).toMatchObject({ status: 200, text: '' });
    expect(await push(url, [Buffer.from('00'), Buffer.from('00')])).toMatchObject({ status: 200, text: '' });

    expect(cairn.store.count()).toBe(0);
  });

  it('is accepted from a client that sends an unneeded password', async () => {
    const { url } = await cairn.published();
    const authorization = `Basic ${Buffer.from('anyone:anything').toString('base64')}`;

    const answer = await send(`${url}/git-receive-pack`, {
      headers: { ...RECEIVE_PACK, Authorization: authorization },
      body: '0000',
    });

    expect(answer).toMatchObject({ status: 200, text: '' });
  });

  it('is accepted by a read-only server, and the push is not', async () => {
    const { url } = await readOnly.place();

    expect(await push(url, Buffer.from('0000'))).toMatchObject({ status: 200, text: '' });
    const refused = await push(url, [Buffer.alloc(5 * MIB), Buffer.alloc(5 * MIB)]);
    expect(refused).toMatchObject({ status: 403, text: 'this server is read-only\n' });
  });

  it('gives no rights to later requests', async () => {
    const { url } = await cairn.published();

    const answer = await push(url, Buffer.from('00000000'));

    expect(packetsOf(answer.body)).toEqual([]);
  });
});
