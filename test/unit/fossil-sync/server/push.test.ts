import { describe, expect, it } from 'vitest';
import { type ArtifactName, nameOf } from '../../../../src/fossil/artifact-name.ts';
import type { Card } from '../../../../src/fossil/cards.ts';
import { deflatePayload } from '../../../../src/fossil/compression.ts';
import { prepareArtifacts } from '../../../../src/repository/fossil/intake.ts';
import type { ReceivedArtifact } from '../../../../src/repository/fossil/prepared-artifacts.ts';
import { publishArtifacts } from '../../../../src/repository/fossil/publish-artifacts.ts';
import { READER } from '../../../helpers/fossil-host.ts';
import { cardsOf, errorOf, type ReceivedReply } from '../../../helpers/fossil-requests.ts';
import { clusterOf, delta, lines, namesOf, PUSHED, whole } from '../../../helpers/fossil-rig.ts';
import { startRounds } from '../../../helpers/fossil-rounds.ts';

const ALICE = { user: 'alice' };

const texts = (count: number, from = 0) =>
  Array.from({ length: count }, (_, at) => whole(`text ${from + at}\n`));

function file({ name, source, payload, isPrivate }: ReceivedArtifact): Card {
  return { card: 'file', name, ...(source === undefined ? {} : { source }), payload, isPrivate };
}

const igot = (name: ArtifactName, isPrivate = false): Card => ({ card: 'igot', name, isPrivate });
const gimmes = (reply: ReceivedReply) => cardsOf(reply, 'gimme').map(({ name }) => name);

describe('a push (issue 14, deliverable 3)', () => {
  it('asks for announced artifacts that are missing, and stores them', async () => {
    const [here = whole(''), absent = whole('')] = texts(2);
    const { rig, requests } = await startRounds([here]);
    const first = await requests.send([requests.push, igot(here.name), igot(absent.name)], ALICE);
    expect(gimmes(first)).toEqual([absent.name]);
    const second = await requests.send([requests.push, igot(absent.name), file(absent)], ALICE);
    expect(gimmes(second)).toEqual([]);
    expect(namesOf(await rig.bag())).toEqual([here.name, absent.name].sort());
  });

  it('accepts compressed payloads', async () => {
    const artifact = whole(lines(0, 50));
    const { rig, requests } = await startRounds();
    const payload = deflatePayload(artifact.payload);
    const card: Card = {
      card: 'cfile',
      name: artifact.name,
      size: artifact.payload.length,
      payload,
      isPrivate: false,
    };
    expect(errorOf(await requests.send([requests.push, card], ALICE))).toBeUndefined();
    expect(namesOf(await rig.bag())).toEqual([artifact.name]);
  });

  it('succeeds if only deltas that waited for it cannot be published, which the next push does', async () => {
    const [source, target, next] = [whole(lines(0, 100)), whole(lines(1, 100)), whole('next')];
    const problems: unknown[] = [];
    const { rig, requests } = await startRounds([], { observer: { error: (error) => problems.push(error) } });
    const other = rig.another();
    await using prepared = await prepareArtifacts(await other.bag(), [source]);
    // Another server publishes the source of the delta meanwhile, and then the store takes no more packs.
    let isBroken = false;
    rig.store.next(({ key, mode }) => key.endsWith('/pointer') && mode === 'replace', {
      does: 'run',
      before: async () => {
        await publishArtifacts(other.repository, prepared, PUSHED);
        isBroken = true;
      },
    });
    rig.store.rules.push(({ operation, key }) =>
      isBroken && operation === 'put' && key.endsWith('.bag') ? { does: 'unavailable' } : undefined,
    );
    const reply = await requests.send([requests.push, file(delta(source, target))], ALICE);
    expect(errorOf(reply)).toBeUndefined();
    expect(problems).toMatchObject([{ kind: 'unavailable' }]);
    const between = await rig.another(3).bag();
    expect([namesOf(between), between.isWaiting(target.name)]).toEqual([[source.name], true]);
    // What cannot be published itself is still refused.
    expect(errorOf(await requests.send([requests.push, file(next)], ALICE))).toBeDefined();
    isBroken = false;
    expect(errorOf(await requests.send([requests.push, file(next)], ALICE))).toBeUndefined();
    expect(namesOf(await rig.another(4).bag())).toEqual([source.name, target.name, next.name].sort());
  });

  it('asks for 500 artifacts at a time', async () => {
    const { requests } = await startRounds();
    const names = texts(1_200).map(({ name }) => name);
    const reply = await requests.send([requests.push, ...names.map((name) => igot(name))], ALICE);
    expect(gimmes(reply)).toEqual(names.slice(0, 500));
  });

  it('asks for members of clusters and sources of waiting deltas, but not for what the client asks for', async () => {
    const [one = whole(''), two = whole('')] = texts(2);
    const [old, young] = [whole(lines(0, 200)), whole(`${lines(0, 200)}more\n`)];
    const { requests } = await startRounds();
    const cluster = clusterOf([one.name, two.name]);
    const reply = await requests.send([requests.push, file(cluster), file(delta(old, young))], ALICE);
    expect(gimmes(reply).sort()).toEqual([one.name, two.name, old.name].sort());
    const asked = await requests.send([requests.push, { card: 'gimme', name: one.name }], ALICE);
    expect(gimmes(asked).sort()).toEqual([two.name, old.name].sort());
  });

  it('keeps a delta until its source comes, and does not show it before', async () => {
    const [old, young] = [whole(lines(0, 200)), whole(`${lines(0, 200)}more\n`)];
    const { rig, requests, with: another } = await startRounds();
    await requests.send([requests.push, file(delta(old, young))], ALICE);
    const clone: Card = { card: 'clone', version: 3, position: 1 };
    expect((await requests.send([clone])).text).not.toContain(young.name);
    expect((await requests.send([requests.pull])).text).not.toContain(young.name);
    const other = another({}, rig.another());
    await other.send([other.push, file(old)], ALICE);
    expect(namesOf(await rig.bag())).toEqual([old.name, young.name].sort());
  });

  it('asks again for an artifact whose delta waits, once nothing else is missing', async () => {
    const [never, young] = [whole(lines(0, 200)), whole(`${lines(0, 200)}more\n`)];
    const { rig, requests } = await startRounds();
    await requests.send([requests.push, file(delta(never, young))], ALICE);
    const unknown: Card = { card: 'gimme', name: never.name };
    const reply = await requests.send([requests.push, igot(young.name), unknown], ALICE);
    expect(gimmes(reply)).toEqual([young.name]);
    await requests.send([requests.push, file(young)], ALICE);
    expect(namesOf(await rig.bag())).toEqual([young.name]);
  });

  it('stores nothing if one artifact is bad, and its error names the hash', async () => {
    const [good = whole(''), other = whole('')] = texts(2);
    const { rig, requests } = await startRounds();
    const source = whole(lines(0, 50));
    const bad: readonly Card[] = [
      { card: 'file', name: other.name, payload: Buffer.from('another content'), isPrivate: false },
      {
        card: 'file',
        name: other.name,
        source: good.name,
        payload: Buffer.from('no delta'),
        isPrivate: false,
      },
      { card: 'cfile', name: other.name, size: 7, payload: Buffer.from('no zlib here'), isPrivate: false },
      {
        card: 'file',
        name: other.name,
        source: other.name,
        payload: delta(source, other).payload,
        isPrivate: false,
      },
    ];
    for (const card of bad) {
      const reply = await requests.send([requests.push, file(good), card], ALICE);
      expect(errorOf(reply)).toContain(other.name);
      expect(reply.text).toMatch(/errors 1\n$/);
      expect((await rig.bag()).count).toBe(0);
    }
  });

  it('is refused without the right, and a pull in the same request is served', async () => {
    const [here = whole(''), absent = whole('')] = texts(2);
    const { rig, requests } = await startRounds([here], { users: { alice: READER } });
    expect(errorOf(await requests.send([requests.push], ALICE))).toBe('not authorized to write');
    expect(errorOf(await requests.send([requests.push, requests.pull, file(absent)], ALICE))).toBe(
      'not authorized to write',
    );
    const both = await requests.send([requests.push, requests.pull, igot(absent.name)], ALICE);
    expect(both.text).toContain('message pull\\sonly\\s-\\snot\\sauthorized\\sto\\spush\n');
    expect(gimmes(both)).toEqual([]);
    expect(cardsOf(both, 'igot').length).toBe(1);
    expect(errorOf(await requests.send([file(absent)], ALICE))).toBe('not authorized to write');
    expect(namesOf(await rig.bag())).toEqual([here.name]);
  });

  it('of private artifacts needs a right of its own, and an artifact that comes as public becomes public', async () => {
    const secret = whole('secret', { isPrivate: true });
    const { rig, requests, with: another } = await startRounds();
    const narrow = another({ users: { alice: { ...READER, write: true } } });
    expect(errorOf(await narrow.send([narrow.push, file(secret)], ALICE))).toBe(
      'not authorized to sync private content',
    );
    await requests.send([requests.push, file(secret)], ALICE);
    const { isPrivate } = (await rig.bag()).at(0);
    expect(isPrivate).toBe(true);
    // Whoever has it as a public artifact is asked for it, whether they may see that it is here or not.
    for (const client of [requests, narrow]) {
      expect(gimmes(await client.send([client.push, igot(secret.name)], ALICE))).toEqual([secret.name]);
    }
    expect(gimmes(await requests.send([requests.push, igot(secret.name, true)], ALICE))).toEqual([]);
    await narrow.send([narrow.push, file({ ...secret, isPrivate: false })], ALICE);
    expect((await rig.bag()).at(0).isPrivate).toBe(false);
  });

  it('loses nothing if many clients push to two servers at once', async () => {
    const { rig, requests, with: another } = await startRounds();
    const second = another({}, rig.another());
    const pushed = Array.from({ length: 32 }, (_, at) => texts(3, 10 * at));
    const replies = await Promise.all(
      pushed.map((artifacts, at) => {
        const client = at % 2 === 0 ? requests : second;
        return client.send([client.push, ...artifacts.map(file)], ALICE);
      }),
    );
    expect(replies.map(errorOf).filter((text) => text !== undefined)).toEqual([]);
    expect(namesOf(await rig.bag())).toEqual(
      pushed
        .flat()
        .map(({ name }) => name)
        .sort(),
    );
  });

  it('can be repeated after a lost reply', async () => {
    const [artifact = whole('')] = texts(1);
    const { rig, requests } = await startRounds();
    await requests.send([requests.push, file(artifact)], ALICE);
    const { digest } = await rig.bag();
    expect(errorOf(await requests.send([requests.push, file(artifact)], ALICE))).toBeUndefined();
    expect((await rig.bag()).digest).toBe(digest);
  });
});

describe('a message of a stranger (issue 14)', () => {
  const fakes = (count: number) =>
    Array.from({ length: count }, (_, at) => at.toString(16).padStart(64, '0'));

  it('with twenty thousand igots and gimmes gets 500 gimmes, and the rest is not kept', async () => {
    const { requests } = await startRounds(texts(3));
    const names = fakes(20_000);
    const message = Buffer.from(
      `push x ${requests.projectCode}\npull x ${requests.projectCode}\n${names
        .map((name) => `igot ${name}\ngimme ${names[0]?.replace(/^0/, '1')}\n`)
        .join('')}`,
    );
    const reply = await requests.sendBytes(requests.signed(message, 'alice'));
    expect(gimmes(reply).length).toBe(500);
    expect(sentNames(reply)).toEqual([]);
  });

  it('with a million cards is refused before any is carried out', async () => {
    const { rig, requests } = await startRounds();
    const artifact = whole('first');
    const head = Buffer.from(`push x ${requests.projectCode}\nfile ${artifact.name} 5\nfirst`);
    // Comments count as well, so that nothing is free.
    const more = Buffer.from('#\n'.repeat(1_000_000));
    const reply = await requests.sendBytes(requests.signed(Buffer.concat([head, more]), 'alice'));
    expect(errorOf(reply)).toBe('a message has at most 500000 cards');
    expect((await rig.bag()).count).toBe(0);
  });

  it('with a cluster that names too many artifacts is refused, and the error names the cluster', async () => {
    const { rig, requests } = await startRounds([], { intake: { members: 1_000 } });
    const cluster = clusterOf(fakes(1_001) as ArtifactName[]);
    const reply = await requests.send([requests.push, file(cluster)], ALICE);
    expect(errorOf(reply)).toContain(cluster.name);
    expect((await rig.bag()).count).toBe(0);
  });

  it('that is cut off at any byte is stored only if it is complete', async () => {
    const { rig, requests } = await startRounds();
    const artifact = whole('some content');
    const message = Buffer.from(`push x ${requests.projectCode}\nfile ${artifact.name} 12\nsome content`);
    for (let length = 1; length < message.length; length += 3) {
      const reply = await requests.sendBytes(requests.signed(message.subarray(0, length), 'alice'));
      expect((await rig.bag()).count, `${length} bytes: ${errorOf(reply)}`).toBe(0);
    }
    await requests.sendBytes(requests.signed(message, 'alice'));
    expect((await rig.bag()).count).toBe(1);
  });

  it('with a zlib bomb as a payload, or as the message, is refused by its declared size', async () => {
    const { requests } = await startRounds();
    const name = nameOf(Buffer.from('x'), 'sha1');
    const payload = Buffer.concat([
      Buffer.from([0xff, 0xff, 0xff, 0xff]),
      deflatePayload(Buffer.alloc(1_000)),
    ]);
    const reply = await requests.send(
      [requests.push, { card: 'cfile', name, size: 1, payload, isPrivate: false }],
      ALICE,
    );
    expect(errorOf(reply)).toContain(name);
    const { with: another } = await startRounds();
    const small = another({ messageBytes: 1_000 });
    expect(errorOf(await small.sendBytes(Buffer.alloc(1_001, 0x0a)))).toMatch(/at most 1000/);
  });

  it('with cards that only servers send, or nobody sends, is refused', async () => {
    const { requests } = await startRounds();
    for (const line of ['clone_seqno 1', 'uvigot a 1 - 0', 'frobnicate']) {
      expect(errorOf(await requests.sendBytes(Buffer.from(`${line}\n`))), line).toMatch(/^bad command: /);
    }
    const config = await requests.send(
      [{ card: 'config', name: '/user', content: Buffer.from("1 'x'") }],
      ALICE,
    );
    expect(errorOf(config)).toBe('this server does not take configuration');
  });
});

function sentNames(reply: ReceivedReply) {
  return cardsOf(reply, 'file').map(({ name }) => name);
}
