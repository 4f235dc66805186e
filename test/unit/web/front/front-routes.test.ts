import { expect, it } from 'vitest';
import { frontRoutes } from '../../../../src/web/front/front-routes.ts';

it('searches are charged to their address, and refused above the limit', async () => {
  const charged: number[] = [];
  let wait = 0;
  const app = frontRoutes({
    index: { find: async () => ({ repositories: [] }) },
    traffic: { admit: () => wait, charge: (_, seconds) => void charged.push(seconds) },
    nameOfKey: () => undefined,
    base: 'https://git.example.org',
    access: 'signed',
    information: { name: 'x', description: 'x', self: 'f'.repeat(64), repo_acceptance_criteria: 'x' },
  });
  expect((await app.request('/')).status).toBe(200);
  expect(charged).toEqual([]);
  expect((await app.request('/?q=stone')).status).toBe(200);
  expect(charged).toEqual([0.02]);
  wait = 7;
  for (const accept of ['text/html', 'application/json']) {
    const refused = await app.request('/', { headers: { accept } });
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('7');
  }
  // Clients of the relay need its information whatever else comes from their address.
  const relay = await app.request('/', { headers: { accept: 'application/nostr+json' } });
  expect(relay.status).toBe(200);
});
