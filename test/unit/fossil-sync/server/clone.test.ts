import { describe, expect, it } from 'vitest';
import type { ArtifactName } from '../../../../src/fossil/artifact-name.ts';
import type { Card } from '../../../../src/fossil/cards.ts';
import { inflatePayload } from '../../../../src/fossil/compression.ts';
import { clonePinCookie } from '../../../../src/fossil-sync/server/clone-cookie.ts';
import { ChangeShun } from '../../../../src/repository/fossil/change-shun.ts';
import { WRITER } from '../../../helpers/fossil-host.ts';
import {
  announcedNames,
  cardsOf,
  errorOf,
  type FossilRequests,
  type ReceivedReply,
  sentNames,
} from '../../../helpers/fossil-requests.ts';
import { delta, lines, namesOf, whole } from '../../../helpers/fossil-rig.ts';
import { startRounds } from '../../../helpers/fossil-rounds.ts';
import { SeededFaults } from '../../../helpers/seeded-faults.ts';

const SMALL_PAGES = { limits: { replyBytes: 1_000 } };

const texts = (count: number, from = 0) =>
  Array.from({ length: count }, (_, at) => whole(lines(10 * (from + at), 20)));

const clone = (position: number, version = 3): Card => ({ card: 'clone', version, position });

function positionOf(reply: ReceivedReply): number | undefined {
  return cardsOf(reply, 'clone_seqno')[0]?.position;
}

/** All pages of a clone as a stock client asks for them: it keeps the cookie, and stops at a page without artifacts. */
async function pagesOf(
  requests: FossilRequests,
  options: { readonly between?: (page: number) => Promise<void>; readonly keepsCookie?: boolean } = {},
): Promise<ReceivedReply[]> {
  const pages: ReceivedReply[] = [];
  let cookie: Card[] = [];
  for (let position = 1; position !== 0; ) {
    const reply = await requests.send([clone(position), ...cookie]);
    pages.push(reply);
    expect(pages.length).toBeLessThan(1_000);
    const next = positionOf(reply);
    if (next === undefined) throw new Error('a page without clone_seqno');
    if (next !== 0) expect(sentNames(reply).length).toBeGreaterThan(0);
    position = next;
    if (options.keepsCookie !== false) cookie = [...cardsOf(reply, 'cookie'), ...cookie].slice(0, 1);
    await options.between?.(pages.length);
  }
  return pages;
}

const allSent = (pages: readonly ReceivedReply[]): ArtifactName[] => pages.flatMap(sentNames);

describe('a clone (issue 14, deliverable 3)', () => {
  it('comes in pages, each with at least one artifact and the position of the next page', async () => {
    const { rig, requests } = await startRounds(texts(30), SMALL_PAGES);
    const pages = await pagesOf(requests);
    expect(pages.length).toBeGreaterThan(3);
    expect(allSent(pages).sort()).toEqual(namesOf(await rig.bag()));
    for (const page of pages) {
      expect(page.type).toBe('application/x-fossil-uncompressed');
      const kinds = page.cards.map(({ card }) => card);
      expect(kinds.indexOf('push')).toBeGreaterThan(kinds.indexOf('clone_seqno'));
      expect(page.text).toMatch(/# timestamp \S+ errors 0\n$/);
    }
  });

  it('of an empty repository is one page without artifacts', async () => {
    const { requests } = await startRounds();
    const [page, ...more] = await pagesOf(requests);
    expect(more).toEqual([]);
    expect(page === undefined ? undefined : positionOf(page)).toBe(0);
    expect(page?.cards.map(({ card }) => card)).toContain('push');
  });

  it('continues in the state of its cookie while others push', async () => {
    const { rig, requests } = await startRounds(texts(20), SMALL_PAGES);
    const atFirst = namesOf(await rig.bag());
    const pages = await pagesOf(requests, {
      between: async (page) => {
        await rig.push(texts(2, 100 * page));
      },
    });
    expect(allSent(pages).sort()).toEqual(atFirst);
  });

  it('leaves out artifacts that are shunned meanwhile', async () => {
    const all = texts(20);
    const { rig, requests } = await startRounds(all, SMALL_PAGES);
    const last = (await rig.bag()).at(19).name;
    const { repository } = rig;
    const pages = await pagesOf(requests, {
      between: async (page) => {
        if (page > 1) return;
        await repository.publisher.join(new ChangeShun(repository, { shun: [last] }, repository.mark()));
      },
    });
    expect(allSent(pages).length).toBe(19);
    expect(allSent(pages)).not.toContain(last);
  });

  it('can be continued by another server that has just started', async () => {
    const rounds = await startRounds(texts(20), SMALL_PAGES);
    const first = await rounds.requests.send([clone(1)]);
    const other = rounds.with(SMALL_PAGES, rounds.rig.another());
    await rounds.rig.push(texts(3, 500));
    const second = await other.send([clone(positionOf(first) ?? 0), ...cardsOf(first, 'cookie')]);
    expect(sentNames(second).length).toBeGreaterThan(0);
    expect(sentNames(second)).not.toContain(sentNames(first)[0]);
    expect(cardsOf(second, 'cookie')).toEqual(cardsOf(first, 'cookie'));
  });

  it('ends for a client that returns no cookies', async () => {
    const { rig, requests } = await startRounds(texts(20), SMALL_PAGES);
    expect(allSent(await pagesOf(requests, { keepsCookie: false })).sort()).toEqual(namesOf(await rig.bag()));
  });

  it('restarts with a cookie that is forged, of another repository, damaged or too old', async () => {
    const { rig, requests } = await startRounds(texts(20), SMALL_PAGES);
    const first = await requests.send([clone(1)]);
    const [given] = cardsOf(first, 'cookie');
    if (given === undefined) throw new Error('no cookie was given');
    const { digest } = await rig.bag();
    const now = Math.floor(rig.clock.now() / 1000);
    const forged = clonePinCookie({ digest, since: now }, { key: Buffer.from('guessed'), scope: 'x' });
    const foreign = clonePinCookie(
      { digest, since: now },
      { key: Buffer.from('a key for tests alone'), scope: 'another/repository\0incarnation' },
    );
    const values = [forged, foreign, `${given.value}0`, given.value.replace(/\.\d+\./, '.1.'), 'x'];
    for (const value of values) {
      const reply = await requests.send([clone(15), { card: 'cookie', value }]);
      expect(sentNames(reply)).toEqual(sentNames(first));
    }
    await rig.clock.sleep(25 * 3_600_000);
    const late = await requests.send([clone(15), given]);
    expect(sentNames(late)).toEqual(sentNames(first));
  });

  it('restarts if the pinned state is gone, and ends', async () => {
    const { rig, requests, with: another } = await startRounds(texts(20), SMALL_PAGES);
    const first = await requests.send([clone(1)]);
    await rig.push(texts(2, 500));
    const [cookie] = cardsOf(first, 'cookie');
    const digest = cookie?.value.split('.')[1] ?? '';
    let deleted = 0;
    for await (const { key } of rig.store.list('')) {
      if (!key.includes(digest)) continue;
      await rig.store.delete(key);
      deleted++;
    }
    expect(deleted).toBe(1);
    const fresh = another(SMALL_PAGES, rig.another());
    const reply = await fresh.send([clone(15), ...cardsOf(first, 'cookie')]);
    expect(sentNames(reply)).toEqual(sentNames(first));
    expect(cardsOf(reply, 'cookie')).not.toEqual(cardsOf(first, 'cookie'));
  });

  it('reads an invalid position as the first, and reports that nothing follows the last one', async () => {
    const { requests } = await startRounds(texts(3));
    for (const line of ['clone 3 0', 'clone 3 -1', 'clone 3 x', 'clone 3 1']) {
      const reply = await requests.sendBytes(Buffer.from(`${line}\n`));
      expect(sentNames(reply).length, line).toBe(3);
      expect(positionOf(reply)).toBe(0);
    }
    const behind = await requests.send([clone(2_000_000_000)]);
    expect(sentNames(behind)).toEqual([]);
    expect(positionOf(behind)).toBe(0);
  });

  it('sends an artifact that is larger than a page', async () => {
    const big = whole(Buffer.from(Array.from({ length: 50_000 }, (_, at) => (at * at * 7919) >> 5)));
    const { requests } = await startRounds([...texts(2), big, ...texts(2, 50)], SMALL_PAGES);
    expect(allSent(await pagesOf(requests))).toContain(big.name);
  });

  it('advances by at least one artifact even without time', async () => {
    const { rig, requests } = await startRounds(texts(5), { limits: { replyMilliseconds: 0 } });
    const pages = await pagesOf(requests);
    expect(pages.map((page) => sentNames(page).length)).toEqual([1, 1, 1, 1, 1]);
    expect(allSent(pages).sort()).toEqual(namesOf(await rig.bag()));
  });

  it('of one artifact per page, by a fault, still ends', async () => {
    const faults = new SeededFaults(3, { 'server.small-clone-page': 1 });
    const { rig, requests } = await startRounds(texts(5), { faults });
    expect(allSent(await pagesOf(requests)).sort()).toEqual(namesOf(await rig.bag()));
    expect(faults.fired.get('server.small-clone-page')).toBeGreaterThan(0);
  });

  it('sends contents and deltas plainly in version 2, and as stored in version 3', async () => {
    const [old, young] = [whole(lines(0, 200)), whole(`${lines(0, 200)}more\n`)];
    const { requests } = await startRounds([old, delta(old, young)]);
    const second = await requests.send([clone(1, 2)]);
    expect(second.type).toBe('application/x-fossil');
    const files = cardsOf(second, 'file');
    expect(files.map(({ name, source }) => [name, source])).toEqual([
      [old.name, undefined],
      [young.name, old.name],
    ]);
    expect(Buffer.from(files[0]?.payload ?? []).equals(old.payload)).toBe(true);
    const third = cardsOf(await requests.send([clone(1)]), 'cfile');
    expect(third.map(({ size }) => size)).toEqual([old.payload.length, young.payload.length]);
    const payload = third[1]?.payload ?? new Uint8Array(0);
    expect(Buffer.from(inflatePayload(payload, 10_000))).toEqual(Buffer.from(files[1]?.payload ?? []));
  });

  it('announces everything in the legacy form, then sends what the client asks for', async () => {
    const [old, young] = [whole(lines(0, 200)), whole(`${lines(0, 200)}more\n`)];
    const secret = whole('private', { isPrivate: true });
    const { requests } = await startRounds([old, delta(old, young), secret]);
    const legacy: Card = { card: 'clone', version: 1, position: undefined };
    const first = await requests.send([legacy]);
    expect(announcedNames(first).sort()).toEqual([old.name, young.name].sort());
    const second = await requests.send([
      legacy,
      ...announcedNames(first).map((name): Card => ({ card: 'gimme', name })),
    ]);
    expect(sentNames(second).sort()).toEqual([old.name, young.name].sort());
    expect(cardsOf(second, 'file').find(({ name }) => name === young.name)?.source).toBe(old.name);
    expect(announcedNames(second)).toEqual([]);
  });

  it('refuses clients without the right in words that do not name the repository', async () => {
    const anonymous = { read: false, write: false, privateArtifacts: false, unversioned: false };
    const { requests } = await startRounds(texts(3), { anonymous });
    const reply = await requests.send([clone(1)]);
    expect(errorOf(reply)).toBe('not authorized to clone');
    expect(sentNames(reply)).toEqual([]);
    expect(cardsOf(reply, 'clone_seqno')).toEqual([]);
    expect(sentNames(await requests.send([clone(1)], { user: 'alice' })).length).toBe(3);
  });
});

describe('a clone does not show', () => {
  it('private artifacts, except to clients that may see them and asked for them', async () => {
    const [open, secret] = [whole('open'), whole('secret', { isPrivate: true })];
    const { requests } = await startRounds([open, secret]);
    expect(sentNames(await requests.send([clone(1)]))).toEqual([open.name]);
    expect(sentNames(await requests.send([clone(1)], { user: 'alice' }))).toEqual([open.name]);
    const pragma: Card = { card: 'pragma', name: 'send-private', args: [] };
    const all = await requests.send([pragma, clone(1)], { user: 'alice' });
    expect(cardsOf(all, 'cfile').map(({ name, isPrivate }) => [name, isPrivate])).toEqual([
      [open.name, false],
      [secret.name, true],
    ]);
    expect(errorOf(await requests.send([pragma, clone(1)]))).toBe('not authorized to sync private content');
  });

  it('a private source of a public delta: the artifact is sent whole', async () => {
    const secret = whole(lines(0, 200), { isPrivate: true });
    const open = whole(`${lines(0, 200)}more\n`);
    const { requests } = await startRounds([secret, delta(secret, open)], { users: { alice: WRITER } });
    const reply = await requests.send([clone(1)]);
    expect(cardsOf(reply, 'cfile').map(({ name, source }) => [name, source])).toEqual([
      [open.name, undefined],
    ]);
    expect(reply.text).not.toContain(secret.name);
  });
});
