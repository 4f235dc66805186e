import { beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/lib/clock.ts';
import type { NostrEvent, VerifiedEvent } from '../../../../src/nostr/event.ts';
import { kinds } from '../../../../src/nostr/kinds.ts';
import { formatNpub } from '../../../../src/nostr/public-key.ts';
import { readFrontQuestion } from '../../../../src/web/front/front-question.ts';
import { RepositoryIndex } from '../../../../src/web/front/repository-index.ts';
import { PublicRepositories } from '../../../../src/web/public-repositories.ts';
import { EventsInMemory } from '../../../helpers/events-in-memory.ts';
import { alice, bob } from '../../nostr/authors.ts';

const BASE = 'https://git.example.org';

let events: EventsInMemory;
let unseen: Set<string>;
let index: RepositoryIndex;
let work: { latest: number; walks: number };
let serial = 0;

beforeEach(() => {
  events = new EventsInMemory();
  unseen = new Set();
  work = { latest: 0, walks: 0 };
  index = open();
});

function open(): RepositoryIndex {
  const visible = (event: NostrEvent) => !unseen.has(event.id);
  const counted = {
    isHidden: (id: string) => events.isHidden(id),
    onEvent: (listener: Parameters<EventsInMemory['onEvent']>[0]) => events.onEvent(listener),
    latest: (...asked: Parameters<EventsInMemory['latest']>) => {
      work.latest++;
      return events.latest(...asked);
    },
    counting: (...asked: Parameters<EventsInMemory['counting']>) => {
      work.walks++;
      return events.counting(...asked);
    },
  };
  const announced = new PublicRepositories({ events, visible, base: BASE });
  const receiptKey = (owner: string, identifier: string) =>
    Buffer.from(`${owner.slice(0, 8)}${identifier}`)
      .toString('hex')
      .padEnd(64, '0')
      .slice(0, 64);
  return new RepositoryIndex({ events: counted, announced, visible, receiptKey, clock: systemClock });
}

/** Not signed: nothing here looks at signatures. */
async function add(fields: Partial<NostrEvent>, hidden = false): Promise<NostrEvent> {
  const id = (++serial).toString(16).padStart(64, '0');
  const event = {
    id,
    pubkey: alice.publicKey,
    created_at: serial,
    kind: kinds.repository,
    tags: [],
    content: '',
    sig: '',
    ...fields,
  };
  await events.append([event as unknown as VerifiedEvent], { hidden });
  return event;
}

function announce(
  identifier: string,
  options: { at?: number; owner?: string; hidden?: boolean; tags?: string[][]; base?: string } = {},
) {
  const { at = serial + 1, owner = alice.publicKey, hidden = false, tags = [], base = BASE } = options;
  const clone = `${base}/git/${formatNpub(owner)}/${identifier}.git`;
  return add(
    {
      pubkey: owner,
      created_at: at,
      tags: [['d', identifier], ['clone', clone], ['relays', base.replace('http', 'ws')], ...tags],
    },
    hidden,
  );
}

function pushed(identifier: string, at: number, by?: string) {
  const key = Buffer.from(`${alice.publicKey.slice(0, 8)}${identifier}`)
    .toString('hex')
    .padEnd(64, '0')
    .slice(0, 64);
  return add({
    kind: kinds.repositoryState,
    pubkey: by ?? key,
    created_at: at,
    tags: [
      ['d', identifier],
      ['a', `${kinds.repository}:${alice.publicKey}:${identifier}`],
    ],
  });
}

async function find(query = '', sort = 'newest', count = 50): Promise<string[]> {
  const found = await index.find(readFrontQuestion(new URLSearchParams({ q: query, sort })), count);
  return found.repositories.map(({ announcement }) => announcement.identifier);
}

describe('the index of repositories', () => {
  it('has repositories that were announced before its first use, and follows changes', async () => {
    await announce('one');
    expect(await find()).toEqual(['one']);
    await announce('two', { tags: [['t', 'stone']] });
    await announce('three', { hidden: true });
    await announce('four', { base: 'https://elsewhere.example' });
    expect(await find()).toEqual(['two', 'one']);
    expect(await find('#stone')).toEqual(['two']);
    await announce('two', { tags: [['name', 'Wall']] });
    expect(await find('#stone')).toEqual([]);
    expect(await find('wal')).toEqual(['two']);
    await add({ kind: kinds.deletion, created_at: 1e6, tags: [['a', `30617:${alice.publicKey}:one`]] });
    expect(await find()).toEqual(['two']);
    expect(index.size).toBe(1);
  });

  it('never shows private repositories, and forgets those that become private', async () => {
    const plan = await announce('plan');
    await announce('tool');
    expect(await find()).toEqual(['tool', 'plan']);
    unseen.add(plan.id);
    expect(await find()).toEqual(['tool']);
    unseen.delete(plan.id);
    expect(await find('plan')).toEqual(['plan']);
    await announce('plan', { tags: [['private', 'true']] });
    expect(await find('plan')).toEqual([]);
    expect(index.size).toBe(1);
    await announce('plan');
    expect(await find()).toEqual(['plan', 'tool']);
  });

  it('forgets a repository whose announcement was deleted by its id', async () => {
    const tool = await announce('tool');
    await announce('other');
    await find();
    await add({ kind: kinds.deletion, tags: [['e', tool.id]] });
    expect(await find()).toEqual(['other']);
    expect(index.size).toBe(1);
  });

  it('misses nothing that is announced while it is filled', async () => {
    await announce('one');
    const first = find();
    await announce('two');
    await first;
    expect(await find()).toEqual(['two', 'one']);
  });

  it('is filled again after a failure', async () => {
    await announce('one');
    const counting = events.counting.bind(events);
    events.counting = () => {
      throw new Error('the disk fails');
    };
    await expect(find()).rejects.toThrow('the disk fails');
    events.counting = counting;
    expect(await find()).toEqual(['one']);
  });

  it('is sorted by the last push, as stated by the receipt of the repository', async () => {
    for (const name of ['a', 'b', 'c']) await announce(name);
    await pushed('a', 5_000);
    await pushed('c', 4_000);
    await pushed('b', 9_000, bob.publicKey);
    expect(await find('', 'pushed')).toEqual(['a', 'c', 'b']);
    await pushed('b', 6_000);
    await pushed('c', 9_999, bob.publicKey);
    expect(await find('', 'pushed')).toEqual(['b', 'a', 'c']);
    expect(await find('', 'pushed')).toEqual(['b', 'a', 'c']);
  });

  it('keeps a few words per repository', async () => {
    const long = 'word '.repeat(50_000);
    await announce('tool', {
      tags: [
        ['name', long],
        ['description', long],
        ['t', long],
        ...Array.from({ length: 500 }, (_, at) => ['t', `topic${at}`]),
      ],
    });
    expect(await find('word')).toEqual(['tool']);
    expect(await find('topic3')).toEqual(['tool']);
    expect(await find('topic77')).toEqual([]);
  });

  it('reads only the repositories on the page, however many there are', async () => {
    const clone = (owner: string, name: string) => `${BASE}/git/${formatNpub(owner)}/${name}.git`;
    const all = Array.from({ length: 1_500 }, (_, at) => {
      const name = `r${at}`;
      return {
        id: `f${at}`.padEnd(64, '0'),
        pubkey: alice.publicKey,
        created_at: at,
        kind: kinds.repository,
        content: '',
        sig: '',
        tags: [
          ['d', name],
          ['clone', clone(alice.publicKey, name)],
          ['relays', 'wss://git.example.org'],
          ['description', at % 3 === 0 ? 'third of all' : 'x'],
        ],
      };
    });
    await events.append(all as unknown as VerifiedEvent[]);
    await find();
    expect(work.walks).toBe(2);
    for (const query of ['', 'third', 'r12', 'r1499', 'nothing', formatNpub(alice.publicKey)]) {
      for (const sort of ['newest', 'name', 'pushed']) {
        work.latest = 0;
        await find(query, sort);
        // One more than is shown, to know whether there is a next page.
        expect(work.latest, `${query} ${sort}`).toBeLessThanOrEqual(51);
      }
    }
    expect(work.walks).toBe(2);
  });
});
