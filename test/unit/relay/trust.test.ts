import { describe, expect, it } from 'vitest';
import type { NostrEvent, VerifiedEvent } from '../../../src/nostr/event.ts';
import { kinds } from '../../../src/nostr/kinds.ts';
import type { Events } from '../../../src/relay/events.ts';
import { EventContents } from '../../../src/relay/log/event-contents.ts';
import { EventIndex } from '../../../src/relay/log/event-index.ts';
import { Trust } from '../../../src/relay/trust.ts';
import { EventsInMemory } from '../../helpers/events-in-memory.ts';
import { announcement, idOf, RelayRig, verified } from '../../helpers/relay-rig.ts';
import { SeededRandom } from '../../helpers/seeded-random.ts';
import { TrustRig } from '../../helpers/trust-rig.ts';
import { type Author, alice, author, bob, carol, dave } from '../nostr/authors.ts';

const PEOPLE = Array.from({ length: 7 }, (_, at) => author(at + 1));
const OUTSIDER = author(50);
const nobody = new Set<string>();

/** What somebody has announced: whom he names, and who may know of it. */
interface Said {
  readonly names: readonly Author[];
  readonly secret: boolean;
  readonly readers: readonly Author[];
}

/** The rule, written down: who is reached, who accepts whom, who may know. There are too few people for any bound. */
class Model {
  readonly said = new Map<Author, Said>();

  reached(from: Author): Set<Author> {
    const found = new Set([from]);
    for (const each of found) for (const named of this.said.get(each)?.names ?? []) found.add(named);
    return found;
  }

  counts(by: Author, owner: Author): boolean {
    const accepts = !this.said.has(by) || this.reached(by).has(owner);
    return by === owner || (this.reached(owner).has(by) && accepts);
  }

  /** Those who have announced and in whose repository the word of somebody counts. */
  places(by: Author): Author[] {
    return [...this.said.keys()].filter((owner) => this.counts(by, owner));
  }

  mayKnow(owner: Author, reader: Author | undefined): boolean {
    const said = this.said.get(owner);
    if (said === undefined || !said.secret) return true;
    return reader !== undefined && (this.reached(owner).has(reader) || said.readers.includes(reader));
  }

  sees(by: Author, reader: Author | undefined): boolean {
    const places = this.places(by);
    return places.length === 0 ? reader === by : places.some((owner) => this.mayKnow(owner, reader));
  }
}

function some(random: SeededRandom, most: number): Author[] {
  return [...new Set(Array.from({ length: random.below(most + 1) }, () => random.pick(PEOPLE)))];
}

/** One more announcement in a world, or the end of one. */
async function oneStep(random: SeededRandom, model: Model, rig: RelayRig, at: number): Promise<void> {
  const person = random.pick(PEOPLE);
  if (model.said.has(person) && random.below(4) === 0) {
    model.said.delete(person);
    const tags = [['a', `${kinds.repository}:${person.publicKey}:project`]];
    await rig.withdraw(person.sign({ kind: kinds.deletion, at, tags }));
    return;
  }
  const said: Said = { names: some(random, 3), secret: random.below(2) === 0, readers: some(random, 1) };
  const tags = said.secret
    ? [['private', 'true'], ...said.readers.map(({ publicKey }) => ['reader', publicKey])]
    : [];
  const verdict = await rig.announce(announcement(person, { at, maintainers: said.names, tags }));
  expect(verdict.accepted).toBe(true);
  model.said.set(person, said);
}

describe('trust in random worlds of announcements (issue 11, point 12)', () => {
  it.each(Array.from({ length: 12 }, (_, at) => at + 1))('follows the rule, seed %i', async (seed) => {
    const random = new SeededRandom(seed);
    const model = new Model();
    const world = new TrustRig({ seed });
    const { trust, directory } = world.relay;
    const start = world.relay.now;
    for (let step = 0; step < 12; step++) {
      await oneStep(random, model, world.relay, start - 1_000 + step);
      const where = `seed ${seed}, step ${step}`;
      for (const by of PEOPLE) {
        const owners = new Set(trust.repositoriesOf(by.publicKey, 'project').owners);
        for (const owner of PEOPLE) {
          const counts = model.counts(by, owner);
          expect(trust.counts(by.publicKey, owner.publicKey, 'project'), where).toBe(counts);
          if (model.said.has(owner)) expect(owners.has(owner.publicKey), where).toBe(counts);
        }
        const state = stateBy(by, start + step);
        for (const reader of [...PEOPLE, OUTSIDER, undefined]) {
          const keys = reader === undefined ? nobody : new Set([reader.publicKey]);
          expect(directory.visible(state, keys), where).toBe(model.sees(by, reader));
        }
      }
    }
    await holdsStates(world, model, random, start);
  });
});

/** A state waits in just those repositories in which it counts and of which its sender may know. */
async function holdsStates(
  world: TrustRig,
  model: Model,
  random: SeededRandom,
  start: number,
): Promise<void> {
  for (const [at, by] of PEOPLE.entries()) {
    const [sender] = random.pick<readonly Author[]>([[by], [by], [OUTSIDER], []]);
    const state = verified(stateBy(by, start + at));
    const verdict = await world.send(state, sender === undefined ? nobody : new Set([sender.publicKey]));
    const due = model.places(by).filter((owner) => model.mayKnow(owner, sender));
    expect(verdict.accepted).toBe(due.length > 0);
    for (const owner of PEOPLE) {
      const waits = (await world.waiting(idOf(owner))).includes(state.id);
      expect(waits, `${PEOPLE.indexOf(owner)}`).toBe(due.includes(owner));
    }
  }
}

function stateBy(by: Author, at: number): NostrEvent {
  const tags = [
    ['d', 'project'],
    ['refs/heads/main', 'd'.repeat(40)],
  ];
  return by.sign({ kind: kinds.repositoryState, at, tags });
}

/** An announcement that nobody has signed: of very many, signatures would take longer than all else. */
function unsigned(number: number, names: readonly Author[], secret: boolean): VerifiedEvent {
  const pubkey = number.toString(16).padStart(64, 'f');
  const tags = [
    ['d', 'project'],
    ['clone', 'https://git.example.org/git/x/project.git'],
    ['maintainers', ...names.map(({ publicKey }) => publicKey)],
    ...(secret ? [['private', 'true']] : []),
  ];
  const id = number.toString(16).padStart(64, 'e');
  return { id, pubkey, kind: kinds.repository, created_at: 1_000, tags, content: '', sig: '' } as never;
}

describe('a key that many repositories name (issue 11, point 12)', () => {
  /** Alice's repository, which Bob maintains, among others that name Bob, too. */
  async function crowd(strangers: number): Promise<TrustRig> {
    const world = new TrustRig();
    const crowd = Array.from({ length: strangers }, (_, at) => unsigned(at, [bob], at % 2 === 0));
    await world.relay.events.append(crowd);
    const at = world.relay.now - 100;
    expect((await world.relay.announce(announcement(alice, { at, maintainers: [bob] }))).accepted).toBe(true);
    world.relay.store.reset();
    return world;
  }

  const requests = (world: TrustRig) => world.relay.store.log.length;

  it('is not locked out by 2,000 of them, and takes no more work than for 300', async () => {
    const counts: number[] = [];
    for (const strangers of [300, 2_000]) {
      const world = await crowd(strangers);
      // It is Alice's repository that tells whether he may know: without one of his own, Bob's word counts in hers.
      const state = stateBy(bob, world.relay.now);
      await world.send(state, nobody);
      counts.push(requests(world));
      const other = await world.another(2);
      const asked = other.relay.store.log.length;
      expect(await other.waiting(idOf(alice))).toEqual([state.id]);
      expect(other.relay.store.log.length - asked).toBeLessThan(20);
    }
    expect(counts[1]).toBe(counts[0]);
    expect(counts[0]).toBeLessThan(100);
  });

  it('states whom it accepts, and then the others cause no work and get no answer', async () => {
    const world = await crowd(2_000);
    const at = world.relay.now - 50;
    await world.relay.announce(announcement(bob, { at, as: 'elsewhere', maintainers: [alice] }));
    world.relay.store.reset();
    const state = stateBy(bob, world.relay.now);
    expect((await world.send(state, nobody)).note).toMatch(/^purgatory: /);
    expect(requests(world)).toBeLessThan(10);
    expect(await world.waiting(idOf(alice))).toEqual([state.id]);
    const { trust } = world.relay;
    expect(trust.repositoriesOf(bob.publicKey, 'project').owners).toEqual([bob.publicKey, alice.publicKey]);
  });

  it('has its own repository first, whoever names it', async () => {
    const world = await crowd(300);
    const at = world.relay.now - 50;
    await world.relay.announce(announcement(bob, { at }));
    const state = stateBy(bob, world.relay.now);
    await world.send(state, nobody);
    expect(await world.waiting(idOf(bob))).toEqual([state.id]);
    expect(await world.waiting(idOf(alice)), 'he has not named her').toEqual([]);
  });

  it('can read its states where they are in force, whatever private repositories name it', async () => {
    const world = new RelayRig();
    const { events, directory, service } = world;
    const hidden = Array.from({ length: 300 }, (_, number) => unsigned(number, [bob], true));
    const state = stateBy(bob, world.now);
    const tags = [
      ['d', 'project'],
      ['a', `${kinds.repository}:${alice.publicKey}:project`],
      ['e', state.id],
    ];
    const created_at = world.now;
    const receipt = service
      .signerOf(idOf(alice))
      .sign({ kind: kinds.repositoryState, created_at, tags, content: '' });
    await events.append([...hidden, verified(announcement(alice, { at: 1, maintainers: [bob] }))]);
    await events.append([verified(state)]);
    expect(directory.visible(state, nobody), 'she is not among those looked at').toBe(false);
    await events.append([receipt]);
    expect(directory.visible(state, nobody)).toBe(true);
  });
});

describe('a repository that only names a key (issue 11, point 12)', () => {
  const secret = [['private', 'true']];

  it('gets none of its states, and shows nothing of its private repository', async () => {
    const world = new TrustRig();
    const at = world.relay.now - 100;
    await world.relay.announce(announcement(bob, { at, tags: secret }));
    await world.relay.announce(announcement(dave, { at, maintainers: [bob] }));
    const state = stateBy(bob, world.relay.now);
    await world.send(state, new Set([bob.publicKey]));
    expect(await world.waiting(idOf(bob))).toEqual([state.id]);
    expect(await world.waiting(idOf(dave))).toEqual([]);
    await world.relay.events.append([verified(state)]);
    expect(world.found(nobody)).not.toContain(state.id);
    expect(world.found(new Set([dave.publicKey]))).not.toContain(state.id);
  });

  it('hides nothing by being private: no state, no discussion, no announcement', async () => {
    const world = new TrustRig();
    const at = world.relay.now - 100;
    await world.relay.announce(announcement(alice, { at, maintainers: [bob] }));
    await world.relay.announce(announcement(dave, { at, maintainers: [alice, bob], tags: secret }));
    const address = `${kinds.repositoryState}:${bob.publicKey}:project`;
    const told = [
      stateBy(alice, world.relay.now),
      stateBy(bob, world.relay.now),
      carol.sign({ kind: kinds.comment, tags: [['a', address]] }),
      bob.sign({ kind: kinds.deletion, tags: [['a', address]] }),
      announcement(alice, { at, maintainers: [bob] }),
    ];
    for (const event of told)
      expect(world.relay.directory.visible(event, nobody), `${event.kind}`).toBe(true);
  });

  it('gets no receipts of a private one by naming the key that signs them', async () => {
    const world = new TrustRig();
    const at = world.relay.now - 100;
    await world.relay.announce(announcement(alice, { at, tags: secret }));
    const signer = world.relay.service.signerOf(idOf(alice));
    const tags = [['maintainers', signer.publicKey]];
    await world.relay.announce(announcement(dave, { at, tags }));
    const receipt = signer.sign({
      kind: kinds.repositoryState,
      created_at: world.relay.now,
      tags: [
        ['d', 'project'],
        ['a', `${kinds.repository}:${alice.publicKey}:project`],
      ],
      content: '',
    });
    await world.relay.events.append([receipt]);
    expect(world.relay.directory.visible(receipt, nobody)).toBe(false);
    expect((await world.send(receipt, nobody)).accepted).toBe(false);
  });

  it('in an `a` tag of a state is the only one that the state is for', async () => {
    const world = new TrustRig();
    const at = world.relay.now - 100;
    for (const owner of [alice, carol]) {
      await world.relay.announce(announcement(owner, { at, maintainers: [bob] }));
    }
    const tags = [
      ['d', 'project'],
      ['a', `${kinds.repository}:${alice.publicKey}:project`],
      ['refs/heads/main', 'd'.repeat(40)],
    ];
    const state = bob.sign({ kind: kinds.repositoryState, at: world.relay.now, tags });
    expect((await world.send(state, nobody)).accepted).toBe(true);
    expect(await world.waiting(idOf(alice))).toEqual([state.id]);
    expect(await world.waiting(idOf(carol))).toEqual([]);
  });

  it('loses its waiting states when the key states that it does not accept it', async () => {
    const world = new TrustRig();
    const at = world.relay.now - 100;
    await world.relay.announce(announcement(alice, { at, maintainers: [bob] }));
    const state = stateBy(bob, world.relay.now);
    await world.send(state, nobody);
    expect(await world.waiting(idOf(alice))).toEqual([state.id]);
    await world.relay.announce(announcement(bob, { at, as: 'git' }));
    expect(await world.waiting(idOf(alice))).toEqual([]);
  });
});

describe('the announcements that name a key', () => {
  it('are known if an older one stands again after a hidden one was removed', async () => {
    const events = new EventsInMemory();
    const trust = new Trust({ events, rule: 'recursive' });
    const placesOfBob = () => trust.repositoriesOf(bob.publicKey, 'project').owners;
    const hidden = announcement(alice, { at: 2_000, maintainers: [bob] });
    await events.append([verified(hidden)], { hidden: true });
    expect(placesOfBob()).toEqual([bob.publicKey, alice.publicKey]);
    events.drop(hidden.id);
    expect(placesOfBob()).toEqual([bob.publicKey]);
    await events.append([verified(announcement(alice, { at: 3_000, maintainers: [bob] }))]);
    expect(placesOfBob()).toEqual([bob.publicKey, alice.publicKey]);
    await events.append([verified(announcement(alice, { at: 4_000, maintainers: [carol] }))]);
    expect(placesOfBob()).toEqual([bob.publicKey]);
  });
});

describe('an announcement that is hidden until data comes (issue 11, point 12)', () => {
  const before = announcement(alice, { at: 1_000, maintainers: [carol] });
  const held = announcement(alice, { at: 2_000, maintainers: [dave], as: 'grasp' });

  /** A real index, and what its store tells of it. */
  function indexed() {
    const random = new SeededRandom(1);
    const contents = new EventContents({ random });
    const listeners: Parameters<Events['onEvent']>[0][] = [];
    const index = Object.assign(new EventIndex({ contents, random }), {
      onEvent: (listener: (typeof listeners)[number]) => {
        listeners.push(listener);
        return () => undefined;
      },
    });
    const append = (event: NostrEvent, hidden: boolean) => {
      index.add(event, { hidden, at: 2_000 });
      for (const listener of listeners) listener(event, { hidden, elsewhere: false });
    };
    return { index, append, over: () => contents.close() };
  }

  it.each(['before', 'after'])(
    'counts while it is stored, and the older one counts again after it (names looked up %s it came)',
    async (when) => {
      const { index, append, over } = indexed();
      const trust = new Trust({ events: index, rule: 'recursive' });
      const trusting = (key: Author) => trust.repositoriesTrusting(key.publicKey, 'project').owners;
      const own = ({ publicKey }: Author) => [publicKey];
      const alsoAlices = ({ publicKey }: Author) => [publicKey, alice.publicKey];
      append(before, false);
      if (when === 'before') expect(trusting(carol)).toEqual(alsoAlices(carol));
      append(held, true);
      expect(trusting(dave)).toEqual(alsoAlices(dave));
      expect(trusting(carol)).toEqual(own(carol));
      // Nobody is told when it goes: its time is up.
      index.dropOutdated(10_000);
      expect(trusting(carol)).toEqual(alsoAlices(carol));
      expect(trusting(dave)).toEqual(own(dave));
      over();
    },
  );
});
