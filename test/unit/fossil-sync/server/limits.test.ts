import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Card } from '../../../../src/fossil/cards.ts';
import { readCards } from '../../../../src/fossil/read-cards.ts';
import { writeCards } from '../../../../src/fossil/write-cards.ts';
import { ROUND_LIMITS } from '../../../../src/fossil-sync/server/round-limits.ts';
import { NO_ARTIFACTS, readRoundRequest } from '../../../../src/fossil-sync/server/round-request.ts';
import { Bag } from '../../../../src/repository/fossil/bag.ts';
import { ChangeShun } from '../../../../src/repository/fossil/change-shun.ts';
import { announcedNames, errorOf, sentNames } from '../../../helpers/fossil-requests.ts';
import { namesOf, whole } from '../../../helpers/fossil-rig.ts';
import { startRounds } from '../../../helpers/fossil-rounds.ts';

afterEach(() => vi.restoreAllMocks());

const name = (at: number) => at.toString(16).padStart(40, '0');

describe('limits of a request (docs/reference/fossil-limits.md)', () => {
  it('remember 10,000 of the names that are not here', async () => {
    const text = Array.from({ length: 15_000 }, (_, at) => `igot ${name(at)}\ngimme ${name(at)}\n`).join('');
    const request = await readRoundRequest(readCards(Buffer.from(text)), NO_ARTIFACTS);
    expect(request.missing.size).toBe(10_000);
    expect(request.unknownToClient.size).toBe(10_000);
    expect(request.cards).toBe(30_000);
  });

  it.each([
    (at: number): Card => ({ card: 'uvgimme', name: `file-${at}` }),
    (at: number): Card => ({ card: 'reqconfig', name: `setting-${at}` }),
    (at: number): Card => ({ card: 'pragma', name: 'client-url', args: [`https://example.org/${at}`] }),
  ])('allow 10,000 requested items of a kind', async (make) => {
    const cards = (count: number) =>
      readCards(writeCards(Array.from({ length: count }, (_, at) => make(at))));
    await expect(readRoundRequest(cards(10_000), NO_ARTIFACTS)).resolves.toBeDefined();
    await expect(readRoundRequest(cards(10_001), NO_ARTIFACTS)).rejects.toThrow('at most 10000');
  });

  it('allow a bounded number of artifacts at once', async () => {
    const { rig, requests } = await startRounds([], { intake: { records: 2 } });
    const files = ['a', 'b', 'c'].map((text): Card => {
      const { name: artifact, payload } = whole(text);
      return { card: 'file', name: artifact, payload, isPrivate: false };
    });
    const refused = await requests.send([requests.push, ...files], { user: 'alice' });
    expect(errorOf(refused)).toBe(
      'more than 2 artifacts in one request: let the client send less at once (max-upload)',
    );
    expect((await rig.bag()).count).toBe(0);
    await requests.send([requests.push, ...files.slice(1)], { user: 'alice' });
    expect((await rig.bag()).count).toBe(2);
  });
});

describe('limits of a reply (docs/reference/fossil-limits.md)', () => {
  it('are those of stock Fossil by default', () => {
    const { replyBytes, replyMilliseconds, gimmes } = ROUND_LIMITS;
    expect([replyBytes, replyMilliseconds, gimmes]).toEqual([5_000_000, 30_000, 500]);
  });

  it('end announcements, and the next reply continues after what the client then has', async () => {
    const artifacts = Array.from({ length: 60 }, (_, at) => whole(`text ${at}`));
    const { rig, requests } = await startRounds(artifacts, { limits: { announcementBytes: 700 } });
    const known: Card[] = [];
    for (let rounds = 0; known.length < 60; rounds++) {
      const reply = await requests.send([requests.pull, ...known]);
      const announced = announcedNames(reply);
      expect(announced.length).toBe(10);
      expect(rounds).toBeLessThan(6);
      known.push(...announced.map((each): Card => ({ card: 'igot', name: each, isPrivate: false })));
    }
    expect(known.flatMap((card) => ('name' in card ? [card.name] : [])).sort()).toEqual(
      namesOf(await rig.bag()),
    );
  });
});

describe('the announcement of everything (--verily)', () => {
  it('ends at the limit with the newest artifacts, and continues after what the client announces', async () => {
    const artifacts = Array.from({ length: 30 }, (_, at) => whole(`text ${at}`));
    const { requests } = await startRounds(artifacts, { limits: { announcementBytes: 700 } });
    const names = artifacts.map(({ name }) => name).reverse();
    const all: Card = { card: 'pragma', name: 'send-catalog', args: [] };
    const first = announcedNames(await requests.send([all, requests.pull]));
    expect(first).toEqual(names.slice(0, 10));
    // A client that announces nothing hears of the same ones again.
    expect(announcedNames(await requests.send([all, requests.pull]))).toEqual(first);
    const known = first.map((name): Card => ({ card: 'igot', name, isPrivate: false }));
    expect(announcedNames(await requests.send([all, requests.pull, ...known]))).toEqual(names.slice(10, 20));
  });
});

describe('a request for very many artifacts', () => {
  // A slice of 8 ms is over at each look at this clock, which is once in 256 steps.
  const MOST_IN_A_TURN = 600;
  const artifacts = Array.from({ length: 1_500 }, (_, at) => whole(`text ${at} `.repeat(12)));

  it.each([
    ['announces what has no room', { replyBytes: 1 }],
    ['sends what has room', { replyBytes: 2 ** 30 }],
  ])('%s, in turns with others', async (_, limits) => {
    const { requests } = await startRounds(artifacts, { limits });
    let time = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => {
      time += 10;
      return time;
    });
    let inTurn = 0;
    let most = 0;
    const looked = () => {
      inTurn++;
      most = Math.max(most, inTurn);
    };
    const { at, find } = Bag.prototype;
    vi.spyOn(Bag.prototype, 'at').mockImplementation(function (this: Bag, ordinal) {
      looked();
      return at.call(this, ordinal);
    });
    vi.spyOn(Bag.prototype, 'find').mockImplementation(function (this: Bag, artifact) {
      looked();
      return find.call(this, artifact);
    });
    let isOver = false;
    const countTurn = () => {
      inTurn = 0;
      if (!isOver) setImmediate(countTurn);
    };
    setImmediate(countTurn);
    const asked = artifacts.map((each): Card => ({ card: 'gimme', name: each.name }));
    const reply = await requests.send([requests.pull, ...asked]);
    isOver = true;
    expect(new Set([...sentNames(reply), ...announcedNames(reply)]).size).toBeGreaterThanOrEqual(1_500);
    expect(most).toBeLessThan(MOST_IN_A_TURN);
  });
});

it('a shunned artifact is in no reply, and is not accepted again (issue 14)', async () => {
  const [kept, shunned] = [whole('kept'), whole('shunned')];
  const { rig, requests } = await startRounds([kept, shunned], { limits: { replyBytes: 1 } });
  const first = await requests.send([{ card: 'clone', version: 3, position: 1 }]);
  const { repository } = rig;
  await repository.publisher.join(new ChangeShun(repository, { shun: [shunned.name] }, repository.mark()));
  const cookie = first.cards.filter(({ card }) => card === 'cookie');
  const gimme: Card = { card: 'gimme', name: shunned.name };
  const catalog: Card = { card: 'pragma', name: 'send-catalog', args: [] };
  const file: Card = { card: 'file', name: shunned.name, payload: shunned.payload, isPrivate: false };
  for (const cards of [
    [{ card: 'clone', version: 3, position: 2 } satisfies Card, ...cookie],
    [{ card: 'clone', version: 3, position: 1 } satisfies Card],
    [{ card: 'clone', version: 1, position: undefined } satisfies Card],
    [requests.pull, gimme],
    [catalog, requests.pull],
    [requests.push, { card: 'igot', name: shunned.name, isPrivate: false } satisfies Card],
    [requests.push, file],
  ]) {
    const reply = await requests.send(cards, { user: 'alice' });
    expect(errorOf(reply)).toBeUndefined();
    expect(reply.text).not.toContain(shunned.name);
    expect(sentNames(reply)).not.toContain(shunned.name);
  }
  expect(namesOf(await rig.bag())).toEqual([kept.name]);
});
