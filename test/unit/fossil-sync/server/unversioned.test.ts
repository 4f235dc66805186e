import { describe, expect, it } from 'vitest';
import { nameOf } from '../../../../src/fossil/artifact-name.ts';
import type { Card } from '../../../../src/fossil/cards.ts';
import { catalogueHash } from '../../../../src/fossil/unversioned.ts';
import { READER } from '../../../helpers/fossil-host.ts';
import { cardsOf, errorOf, pragmasOf } from '../../../helpers/fossil-requests.ts';
import { startRounds } from '../../../helpers/fossil-rounds.ts';

const ALICE = { user: 'alice' };
const NOTHING = 'da39a3ee5e6b4b0d3255bfef95601890afd80709';

function uvfile(name: string, time: number, text: string): Card {
  const content = Buffer.from(text);
  return {
    card: 'uvfile',
    name,
    time,
    hash: nameOf(content, 'sha3-256'),
    size: content.length,
    flags: 0,
    content,
  };
}

const deleted = (name: string, time: number): Card => ({
  card: 'uvfile',
  name,
  time,
  hash: undefined,
  size: 0,
  flags: 1,
});
const uvHash = (hash: string): Card => ({ card: 'pragma', name: 'uv-hash', args: [hash] });

describe('unversioned files (issue 14, deliverable 3)', () => {
  it('are stored, announced to clients with others, and sent', async () => {
    const { rig, requests } = await startRounds();
    await requests.send([uvfile('a/b.txt', 100, 'one'), uvfile('c.bin', 101, 'two')], ALICE);
    const differing = await requests.send([uvHash(NOTHING)]);
    expect(pragmasOf(differing, 'uv-pull-only').length).toBe(1);
    expect(cardsOf(differing, 'uvigot').map(({ name, time }) => [name, time])).toEqual([
      ['a/b.txt', 100],
      ['c.bin', 101],
    ]);
    const hash = catalogueHash((await (await rig.bag()).unversioned()).values());
    const same = await requests.send([uvHash(hash)]);
    expect(cardsOf(same, 'uvigot')).toEqual([]);
    expect(pragmasOf(same, 'uv-pull-only')).toEqual([]);
    const sent = await requests.send([
      { card: 'uvgimme', name: 'c.bin' },
      { card: 'uvgimme', name: 'unknown' },
    ]);
    expect(cardsOf(sent, 'uvfile').map(({ name, content }) => [name, String(content)])).toEqual([
      ['c.bin', 'two'],
    ]);
  });

  it('of the same second are ordered by their hash, older ones are left out, and deletions are synced', async () => {
    const { requests } = await startRounds();
    await requests.send([uvfile('a.txt', 100, 'new')], ALICE);
    await requests.send([uvfile('a.txt', 99, 'old')], ALICE);
    const kept = await requests.send([{ card: 'uvgimme', name: 'a.txt' }]);
    expect(String(cardsOf(kept, 'uvfile')[0]?.content)).toBe('new');
    await requests.send([deleted('a.txt', 101)], ALICE);
    const gone = cardsOf(await requests.send([{ card: 'uvgimme', name: 'a.txt' }]), 'uvfile')[0];
    expect([gone?.hash, gone?.size, gone?.flags, gone?.content]).toEqual([undefined, 0, 1, undefined]);
    const catalogue = await requests.send([uvHash('0'.repeat(40))]);
    expect(cardsOf(catalogue, 'uvigot').map(({ hash }) => hash)).toEqual([undefined]);
  });

  it('need a right to be pushed, and clients learn whether they have it', async () => {
    const { rig, requests, with: another } = await startRounds();
    await requests.send([uvfile('a.txt', 100, 'one')], ALICE);
    const narrow = another({ users: { alice: { ...READER, write: true } } });
    expect(errorOf(await narrow.send([uvfile('b.txt', 100, 'two')], ALICE))).toBe(
      'Write permissions for unversioned files missing',
    );
    expect(pragmasOf(await narrow.send([uvHash(NOTHING)], ALICE), 'uv-pull-only').length).toBe(1);
    expect(pragmasOf(await requests.send([uvHash(NOTHING)], ALICE), 'uv-push-ok').length).toBe(1);
    expect((await (await rig.bag()).unversioned()).size).toBe(1);
  });

  it('are not shown to clients that may not read', async () => {
    const { requests, with: another } = await startRounds();
    await requests.send([uvfile('secret.txt', 100, 'one')], ALICE);
    const closed = another({ anonymous: { ...READER, read: false } });
    for (const card of [uvHash(NOTHING), { card: 'uvgimme', name: 'secret.txt' } as const]) {
      const reply = await closed.send([card]);
      expect(errorOf(reply)).toBe('not authorized to read');
      expect(reply.text).not.toContain('secret');
    }
  });

  it('with names outside the folder, wrong hashes or wrong sizes are refused, and nothing of the request is stored', async () => {
    const { rig, requests } = await startRounds();
    const good = uvfile('good.txt', 100, 'one');
    const bad: Card[] = [
      uvfile('../escape', 100, 'x'),
      uvfile('/etc/passwd', 100, 'x'),
      uvfile('a//b', 100, 'x'),
      { ...uvfile('a.txt', 100, 'x'), hash: nameOf(Buffer.from('y'), 'sha1') } as Card,
    ];
    for (const card of bad) {
      expect(errorOf(await requests.send([good, card], ALICE))).toBeDefined();
      expect((await (await rig.bag()).unversioned()).size).toBe(0);
    }
  });

  it('may have any white space in their names that Fossil takes for none', async () => {
    const { requests } = await startRounds();
    const names = ['a\u00a0b', 'a\u2003b', 'a\u2028b', 'a\u3000b', '\ufeffa'];
    const files = names.map((name) => uvfile(name, 100, name));
    expect(errorOf(await requests.send(files, ALICE))).toBeUndefined();
    const catalogue = await requests.send([uvHash(NOTHING)]);
    expect(cardsOf(catalogue, 'uvigot').map(({ name }) => name)).toEqual(names);
    const sent = await requests.send(names.map((name): Card => ({ card: 'uvgimme', name })));
    expect(cardsOf(sent, 'uvfile').map(({ content }) => String(content))).toEqual(names);
  });

  it('are sent whole if somebody gives another size for a content that is here', async () => {
    const { requests } = await startRounds();
    await requests.send([uvfile('a.txt', 100, 'one')], ALICE);
    const { content: _content, ...bare } = uvfile('a.txt', 101, 'one') as Card & { card: 'uvfile' };
    await requests.send([{ ...bare, size: 7, flags: 4 }], ALICE);
    const [file] = cardsOf(await requests.send([{ card: 'uvgimme', name: 'a.txt' }]), 'uvfile');
    expect([file?.time, file?.size, String(file?.content)]).toEqual([101, 3, 'one']);
  });

  it('that do not fit into a reply are announced again, after at least one was sent', async () => {
    const { requests } = await startRounds([], { limits: { replyBytes: 500 } });
    const names = ['a', 'b', 'c'];
    await requests.send(
      names.map((name) => uvfile(name, 100, name.repeat(400))),
      ALICE,
    );
    const reply = await requests.send(names.map((name): Card => ({ card: 'uvgimme', name })));
    expect(
      cardsOf(reply, 'uvfile').map(({ name, flags, content }) => [name, flags, content?.length]),
    ).toEqual([['a', 0, 400]]);
    expect(cardsOf(reply, 'uvigot').map(({ name }) => name)).toEqual(['b', 'c']);
  });
});
