import { Hono } from 'hono';
import { expect, it } from 'vitest';
import { systemRandom } from '../../../../src/lib/random.ts';
import { loadVerifier } from '../../../../src/nostr/verify.ts';
import { MemoryObjectStore } from '../../../../src/object-store/memory.ts';
import { Sessions } from '../../../../src/sessions/sessions.ts';
import { PageReaders } from '../../../../src/web/session/page-readers.ts';
import { SessionCookie } from '../../../../src/web/session/session-cookie.ts';
import { FaultyStore } from '../../../helpers/faulty-store.ts';
import { ManualClock } from '../../../helpers/manual-clock.ts';
import { Person } from '../../../helpers/nostr-client.ts';

const KEY = 'a'.repeat(64);
const base = 'https://git.example.org';

async function rig() {
  const clock = new ManualClock();
  const store = new FaultyStore(new MemoryObjectStore());
  const sessions = new Sessions({
    serviceKey: 'c'.repeat(64),
    base,
    control: store,
    clock,
    random: systemRandom,
    lifetime: 3_600,
  });
  const cookie = new SessionCookie(base);
  const readers = new PageReaders({ sessions, cookie, base, clock, verifier: await loadVerifier() });
  const app = new Hono().get('*', async (c) => c.json({ reader: await readers.readerOf(c) }));
  const { session, text } = await sessions.begin(KEY);
  const read = async (headers: Record<string, string>) =>
    ((await (await app.request('/', { headers })).json()) as { reader?: string }).reader;
  return { clock, store, sessions, session, cookie: `${cookie.name}=${text}`, read };
}

it('the session cookie counts for requests of this service, and when a person follows a link', async () => {
  const { read, cookie: Cookie } = await rig();
  const from = (site: string, mode: string, dest: string) =>
    read({ Cookie, 'Sec-Fetch-Site': site, 'Sec-Fetch-Mode': mode, 'Sec-Fetch-Dest': dest });
  // A browser without these headers, or another program.
  expect(await read({ Cookie })).toBe(KEY);
  expect(await from('none', 'navigate', 'document')).toBe(KEY);
  expect(await from('same-origin', 'no-cors', 'image')).toBe(KEY);
  expect(await from('cross-site', 'navigate', 'document')).toBe(KEY);
  expect(await from('cross-site', 'navigate', 'iframe')).toBeUndefined();
  expect(await from('same-site', 'no-cors', 'image')).toBeUndefined();
  expect(await from('same-site', 'cors', 'empty')).toBeUndefined();
});

it('the store is asked once for a session, and never for an invalid cookie', async () => {
  const { read, store, cookie } = await rig();
  const asked = () => store.count();
  const before = asked();
  await read({});
  await read({ Cookie: `${cookie}x` });
  await read({ Cookie: 'cairn-session=x' });
  expect(asked() - before).toBe(0);
  expect(await read({ Cookie: cookie })).toBe(KEY);
  expect(asked() - before).toBe(1);
});

it('a session ends after its lifetime for every server', async () => {
  const { read, cookie: Cookie, clock } = await rig();
  await clock.advance(3_599);
  expect(await read({ Cookie })).toBe(KEY);
  await clock.advance(1);
  expect(await read({ Cookie })).toBeUndefined();
});

it('a signed request has the key of its signer, and a token for another request has none', async () => {
  const { read, cookie: Cookie, clock } = await rig();
  const program = new Person();
  const token = (url: string, method = 'GET', at = clock.seconds) =>
    `Nostr ${Buffer.from(
      JSON.stringify(
        program.sign(
          27_235,
          [
            ['u', url],
            ['method', method],
          ],
          '',
          at,
        ),
      ),
    ).toString('base64')}`;
  expect(await read({ Authorization: token(`${base}/`) })).toBe(program.publicKey);
  expect(await read({ Authorization: token(`${base}/`), Cookie })).toBe(program.publicKey);
  expect(await read({ Authorization: token(`${base}/other`), Cookie })).toBeUndefined();
  expect(await read({ Authorization: token(`${base}/`, 'POST') })).toBeUndefined();
  expect(await read({ Authorization: token(`${base}/`, 'GET', clock.seconds - 61) })).toBeUndefined();
  expect(await read({ Authorization: 'Nostr x', Cookie })).toBeUndefined();
});
