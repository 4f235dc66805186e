import { expect, it } from 'vitest';
import { formatNpub } from '../../../src/nostr/public-key.ts';
import { ownerRoutes } from '../../../src/web/nostr/owner/owner-routes.ts';
import { alice } from '../nostr/authors.ts';

it('pages of people are charged to their address, and refused above the limit without reading anything', async () => {
  const charged: number[] = [];
  let read = 0;
  let wait = 0;
  const count = <T>(result: T): T => {
    read++;
    return result;
  };
  const app = ownerRoutes({
    people: {
      profile: () => count(undefined),
      announcements: async () => count([]),
      activity: async () => count([]),
      event: () => count(undefined),
    },
    traffic: { admit: () => wait, charge: (_, seconds) => void charged.push(seconds) },
    base: 'https://git.example.org',
    readerOf: async () => count(undefined),
  });
  const page = `/${formatNpub(alice.publicKey)}`;
  // Whether anything is known of the key makes no difference.
  const unknown = await app.request(page);
  expect(unknown.status).toBe(404);
  // Links on other pages lead here: it says whose page it is.
  expect(await unknown.text()).toContain(formatNpub(alice.publicKey));
  expect(charged).toEqual([0.02]);
  expect(read).toBe(4);
  wait = 7;
  const refused = await app.request(page);
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '7']);
  expect(read).toBe(4);
});
