/** Once its owner hears that a repository is private, or gone, no server answers by what it saw before. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NostrEvent } from '../../src/nostr/event.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import type { App } from '../../src/server/app.ts';
import { GitClient } from '../helpers/git-client.ts';
import { announcement, eventually, gitUrl, publish, query, signedIn } from '../helpers/identity.ts';
import { Person } from '../helpers/nostr-client.ts';
import { fetchFrom, send } from '../helpers/raw-git.ts';
import { startServer } from '../helpers/server.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';
import { fetchRequest, lsRefsRequest } from '../helpers/upload-requests.ts';

const V2 = { 'Git-Protocol': 'version=2' };
const now = () => Math.floor(Date.now() / 1000);

let server: App;
/** A second server over the same store, which nobody tells anything. */
let other: App;
let folder: TempDir;

beforeAll(async () => {
  const store = new MemoryObjectStore();
  folder = await tempDir('cairn-hidden');
  server = await startServer({ store, flags: { access: 'signed' } });
  other = await startServer({ store, flags: { access: 'signed', 'public-url': server.url } });
});
afterAll(async () => {
  await other.close();
  await server.close();
  await folder[Symbol.asyncDispose]();
});

/** What somebody finds who has shown no key. */
interface Seen {
  /** When the first of it was asked for, by the order of all that happens here. */
  readonly began: number;
  readonly statuses: readonly number[];
}

describe('after the owner was told of success (issue 11, point 14)', () => {
  it.each<[string, (owner: Person, identifier: string) => NostrEvent]>([
    [
      'that it is private',
      (owner, identifier) =>
        announcement(server.url, owner, identifier, { at: now(), tags: [['private', 'true']] }),
    ],
    [
      'that it is withdrawn',
      (owner, identifier) => owner.sign(5, [['a', `30617:${owner.publicKey}:${identifier}`]], '', now()),
    ],
  ])('another server does not show the repository any more: %s', async (what, hide) => {
    const owner = new Person();
    const identifier = what.replaceAll(' ', '-');
    const announced = announcement(server.url, owner, identifier, { at: now() - 10 });
    expect((await publish(server.url, announced)).accepted).toBe(true);
    const user = await new GitClient(folder.path).init(identifier);
    const tip = await user.commit('Begin', { README: 'first\n' });
    const url = gitUrl(server.url, owner, identifier);
    await signedIn(user, owner, url).run(['push', '--quiet', url, 'main']);
    const there = gitUrl(other.url, owner, identifier);

    let clock = 0;
    const look = async (): Promise<Seen> => {
      const began = ++clock;
      const answers = [
        await send(`${there}/info/refs?service=git-upload-pack`, { headers: V2 }),
        await fetchFrom(there, fetchRequest(tip), V2),
      ];
      return { began, statuses: answers.map(({ status }) => status) };
    };
    const known = () => query(other.url, { ids: [announced.id] });
    expect(await eventually(known, (found) => found.length === 1)).toHaveLength(1);

    // The other server has just looked: by what it saw it may answer for two seconds.
    expect((await fetchFrom(there, lsRefsRequest(), V2)).status).toBe(200);
    expect(await look()).toMatchObject({ statuses: [200, 200] });
    const seen: Seen[] = [];
    let isOver = false;
    const looking = (async () => {
      while (!isOver) seen.push(await look());
    })();
    const answer = await publish(server.url, hide(owner, identifier));
    const told = ++clock;
    expect(answer).toEqual({ accepted: true, note: '' });
    // What is asked for from here on is asked for after the owner was told.
    await eventually(
      async () => seen.filter(({ began }) => began > told).length,
      (count) => count >= 3,
    );
    isOver = true;
    await looking;
    for (const { began, statuses } of seen) {
      if (began > told) expect(statuses).toEqual([401, 401]);
    }
    expect(await eventually(known, (found) => found.length === 0)).toEqual([]);
  });
});
