/**
 * A push is answered over the state that a server remembers, without a look at the store. Nobody can tell: rights, shunned
 * artifacts and what others published count as if the server had looked.
 */
import { describe, expect, it } from 'vitest';
import type { Card } from '../../../../src/fossil/cards.ts';
import { decodeMessage } from '../../../../src/fossil/framing.ts';
import { loginCard, loginSecret } from '../../../../src/fossil/login.ts';
import { readCards } from '../../../../src/fossil/read-cards.ts';
import { writeCards } from '../../../../src/fossil/write-cards.ts';
import { ProjectPasswords, passwordScope } from '../../../../src/fossil-sync/login/project-passwords.ts';
import { type ExchangeHost, serveExchange } from '../../../../src/fossil-sync/server/exchange.ts';
import { admitSender } from '../../../../src/http/fossil/admit-sender.ts';
import { ChangeShun } from '../../../../src/repository/fossil/change-shun.ts';
import type { FossilState } from '../../../../src/repository/fossil/fossil-manifest.ts';
import type { ReceivedArtifact } from '../../../../src/repository/fossil/prepared-artifacts.ts';
import { fossilHost } from '../../../helpers/fossil-host.ts';
import { FOSSIL_ID, FossilRig, namesOf, whole } from '../../../helpers/fossil-rig.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';

const passwords = new ProjectPasswords('1'.repeat(64));
const ALICE = 'b'.repeat(64);
const BOB = 'c'.repeat(64);
const MINUTE = 60_000;
let announcements = 0;

interface PushReply {
  readonly error: string | undefined;
  /** Names that the reply announces, and those of the push. */
  readonly names: ReadonlySet<string>;
}

/** One of several servers over one store, with the admission of production. */
class Server {
  readonly rig: FossilRig;
  private readonly host: ExchangeHost;

  constructor(rig: FossilRig) {
    this.rig = rig;
    const context = {
      repositories: { get: () => rig.repository },
      gitRepositories: { get: () => ({ resolve: async () => undefined }) },
      passwords,
      access: 'signed',
      base: 'https://git.example.org',
      clock: rig.clock,
    } as const;
    this.host = {
      ...fossilHost(rig.repository, { clock: rig.clock }),
      admit: (login, message, from) => admitSender(context, FOSSIL_ID, { login, message }, undefined, from),
    };
  }

  /** Changes the state as an announcement does. */
  async change(next: (state: FossilState) => Partial<FossilState>): Promise<void> {
    const { repository } = this.rig;
    // As the id of an event: no two changes make the same manifest.
    const evidence = (announcements++).toString(16).padStart(64, '0');
    await repository.publisher.join({
      since: repository.mark(),
      evaluate: async (current) => {
        if (current === undefined) throw new Error('there is no repository');
        return {
          next: { ...current, ...next(current) },
          cause: { kind: 'announce', actor: null, evidence, artifacts: 0, unversioned: 0 },
          result: undefined,
        };
      },
    });
  }

  setWriters(writers: readonly string[]): Promise<void> {
    return this.change(({ policy }) => ({ policy: { ...policy, writers } }));
  }

  /** Sends a round that pushes and pulls, with the password that a key got at the beginning. */
  async push(sender: Sender, ...artifacts: readonly ReceivedArtifact[]): Promise<PushReply> {
    const { projectCode } = sender;
    const head = { serverCode: '5'.repeat(40), projectCode };
    const cards: Card[] = [
      { card: 'pull', ...head },
      { card: 'push', ...head },
      ...artifacts.map(({ name, payload, isPrivate }): Card => ({ card: 'file', name, payload, isPrivate })),
    ];
    const message = writeCards(cards);
    const login = writeCards([loginCard(sender.user, sender.secret, message)]);
    const type = 'application/x-fossil-uncompressed';
    const reply = await serveExchange(this.host, { type, body: Buffer.concat([login, message]) });
    const received = [...readCards(await decodeMessage(reply.type, reply.body, 2 ** 20))];
    const [error] = received.flatMap((card) => (card.card === 'error' ? [card.text] : []));
    const announced = received.flatMap((card) => (card.card === 'igot' ? [card.name] : []));
    return { error, names: new Set([...announced, ...artifacts.map(({ name }) => name)]) };
  }

  /** Reads of the pointer while `work` runs, and other requests. */
  async requests(work: () => Promise<unknown>): Promise<string[]> {
    const { store } = this.rig;
    store.reset();
    await work();
    return store.log.map(
      ({ operation, key }) => `${operation} ${key.split('.')[1] ?? key.split('/').at(-1)}`,
    );
  }
}

interface Sender {
  readonly user: string;
  readonly secret: string;
  readonly projectCode: string;
}

interface World {
  readonly servers: readonly [Server, Server, Server];
  readonly one: Server;
  /** Looks at the store for nobody else. */
  readonly checker: FossilRig;
  readonly two: Server;
  readonly alice: Sender;
  readonly bob: Sender;
}

async function start(): Promise<World> {
  const rig = await new FossilRig().create();
  const servers = [new Server(rig), new Server(rig.another(2)), new Server(rig.another(3))] as const;
  const [one, two] = servers;
  await one.setWriters([ALICE, BOB]);
  await rig.push([whole('the first')]);
  const { state } = await rig.bag();
  const { projectCode } = state;
  const sender = (key: string): Sender => {
    const now = Math.floor(rig.clock.now() / 1000);
    const { user, password } = passwords.issue(passwordScope(FOSSIL_ID, state), key, now);
    return { user, secret: loginSecret(projectCode, user, password), projectCode };
  };
  return { servers, one, two, checker: rig.another(4), alice: sender(ALICE), bob: sender(BOB) };
}

async function stored({ checker }: World): Promise<Set<string>> {
  return new Set(namesOf(await checker.bag()));
}

describe('a push to a server that knows the state', () => {
  it('is published without a look at the pointer', async () => {
    const { one, alice } = await start();
    let count = 0;
    const pushed = async () => {
      expect((await one.push(alice, whole(`text ${count++}`))).error).toBeUndefined();
    };
    await pushed();
    expect(await one.requests(pushed)).toHaveLength(3);
    await one.rig.clock.sleep(9 * MINUTE);
    expect(await one.requests(pushed)).toHaveLength(3);
    await one.rig.clock.sleep(11 * MINUTE);
    expect(await one.requests(pushed), 'too old to be remembered').toHaveLength(4);
  });

  it('looks at the pointer if it brings nothing new, or is refused', async () => {
    const { one, alice } = await start();
    const text = whole('known soon');
    await one.push(alice, text);
    expect(await one.requests(() => one.push(alice, text))).toHaveLength(1);
    const wrong = { ...whole('another'), name: whole('not this').name };
    expect(await one.requests(() => one.push(alice, wrong))).toHaveLength(1);
    expect((await one.push(alice, wrong)).error).toMatch(/does not match its name/);
  });

  it('is not tried from memory while others publish', async () => {
    const { one, two, alice, bob } = await start();
    await one.push(alice, whole('one'));
    await one.rig.repository.resolve();
    await two.push(bob, whole('two'));
    const lost = await one.requests(() => one.push(alice, whole('three')));
    expect(
      lost.filter((request) => request === 'put pointer'),
      'one swap is lost',
    ).toHaveLength(2);
    await two.push(bob, whole('four'));
    const looked = await one.requests(() => one.push(alice, whole('five')));
    expect(looked[0]).toBe('get pointer');
    expect(looked.filter((request) => request === 'put pointer')).toHaveLength(1);
  });

  it('is refused if another server has taken the right to it', async () => {
    const world = await start();
    const { one, two, alice, bob } = world;
    await one.push(alice, whole('while she may'));
    await one.rig.repository.resolve();
    await two.setWriters([BOB]);
    const late = whole('too late');
    expect((await one.push(alice, late)).error).toMatch(/login failed/);
    expect((await one.push(bob, whole('he may'))).error).toBeUndefined();
    expect((await stored(world)).has(late.name)).toBe(false);
  });

  it('is refused even if another server made the same manifest before, while the sender had the right', async () => {
    const { one, two, alice } = await start();
    for (const { rig } of [one, two, one, two]) await rig.repository.resolve();
    const text = whole('sent twice');
    expect((await two.push(alice, text)).error).toBeUndefined();
    await two.setWriters([BOB]);
    expect((await one.push(alice, text)).error).toMatch(/login failed/);
  });

  it('is refused in the words for what is not there if another server has withdrawn the repository', async () => {
    const { one, two, alice } = await start();
    await one.push(alice, whole('before'));
    await one.rig.repository.resolve();
    await two.change(() => ({ lifecycle: 'withdrawn', packs: [], artifacts: 0 }));
    const late = await one.push(alice, whole('too late'));
    const strange = await two.push(alice, whole('too late'));
    expect(late.error).toBeDefined();
    expect(late).toEqual(strange);
  });

  it('brings nothing that another server has shunned', async () => {
    const world = await start();
    const { one, two, alice } = world;
    await one.push(alice, whole('before'));
    await one.rig.repository.resolve();
    const bad = whole('a secret');
    const { repository } = two.rig;
    await repository.publisher.join(new ChangeShun(repository, { shun: [bad.name] }, repository.mark()));
    const other = whole('with it');
    expect((await one.push(alice, bad, other)).error).toBeUndefined();
    const names = await stored(world);
    expect([names.has(bad.name), names.has(other.name)]).toEqual([false, true]);
  });
});

describe.each([1, 2, 3, 4])('seed %i: pushes to three servers while rights change', (seed) => {
  it('are published if and only if they were allowed, and their replies announce what was published before', async () => {
    const world = await start();
    const { servers } = world;
    const random = new SeededRandom(seed);
    const expected = new Set(await stored(world));
    let writers = new Set([ALICE, BOB]);
    const sent: ReceivedArtifact[] = [];
    let refused = 0;
    // Most pushes go to the same server for a while, so that it begins to answer from memory.
    let home = random.pick(servers);
    const server = () => (random.below(5) === 0 ? random.pick(servers) : home);
    for (let step = 0; step < 60; step++) {
      const before = new Set(expected);
      if (random.below(8) === 0) home = random.pick(servers);
      const toggles = random.below(4) === 0;
      const after = new Set(writers);
      const turned = random.pick([ALICE, BOB]);
      if (toggles && !after.delete(turned)) after.add(turned);
      const work: Promise<unknown>[] = [];
      for (let count = random.below(4); count >= 0; count--) {
        const key = random.pick([ALICE, BOB]);
        const isAgain = sent.length > 0 && random.below(5) === 0;
        const text = isAgain ? random.pick(sent) : whole(`${step} ${count} ${random.hex(4)}`);
        sent.push(text);
        const push = async () => {
          const { error, names } = await server().push(key === ALICE ? world.alice : world.bob, text);
          const isAllowed = [writers, after].map((may) => may.has(key));
          expect(isAllowed, `step ${step}: ${error}`).toContain(error === undefined);
          if (error !== undefined) refused++;
          else expected.add(text.name);
          if (error === undefined) expect([...before].filter((name) => !names.has(name))).toEqual([]);
        };
        work.push(push());
      }
      if (toggles) work.push(random.pick(servers).setWriters([...after]));
      await Promise.all(work);
      writers = after;
      expect(await stored(world), `step ${step}`).toEqual(expected);
    }
    expect(refused).toBeGreaterThan(0);
  });
});
