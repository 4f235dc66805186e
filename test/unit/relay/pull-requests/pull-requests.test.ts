import { describe, expect, it, vi } from 'vitest';
import { Git } from '../../../../src/git-process/git.ts';
import { CairnError } from '../../../../src/lib/errors.ts';
import type { NostrEvent } from '../../../../src/nostr/event.ts';
import { kinds } from '../../../../src/nostr/kinds.ts';
import { createLogger } from '../../../../src/observability/logger.ts';
import { tipOf } from '../../../../src/relay/pull-requests/pull-request-tip.ts';
import {
  PULL_REQUEST_WAITS_MS,
  PullRequestUpkeep,
} from '../../../../src/relay/pull-requests/pull-request-upkeep.ts';
import { PullRequests } from '../../../../src/relay/pull-requests/pull-requests.ts';
import { GitRepository } from '../../../../src/repository/git/git-repository.ts';
import type { PushAuthority } from '../../../../src/transfer/push/authority.ts';
import { PushChange } from '../../../../src/transfer/push/change.ts';
import { rulesFor } from '../../../helpers/push-rules.ts';
import { announcement, idOf, RelayRig, verified, verifier } from '../../../helpers/relay-rig.ts';
import { oid, packOf, stateOf } from '../../../helpers/repository-rig.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';
import { alice, author, bob, carol, dave } from '../../nostr/authors.ts';

const { signal } = new AbortController();
const ID = idOf(alice);
const ADDRESS = `${kinds.repository}:${alice.publicKey}:project`;
const ZERO = oid('0');
const TIPS = [oid('1'), oid('2'), oid('3')] as const;
const token = 'e'.repeat(64);

/** One server: what it knows of events, and what it does about pull requests. Pushes bring no packs, so no git is asked. */
class Server {
  readonly rig: RelayRig;
  readonly pullRequests: PullRequests;
  readonly upkeep: PullRequestUpkeep;

  constructor(rig: RelayRig) {
    this.rig = rig;
    const { events, clock, directory } = rig;
    const { repositories } = rig.repositories;
    this.pullRequests = new PullRequests({
      events,
      repositories,
      mentions: (event) => directory.mentions(event),
      verifier,
      git: new Git({ binary: '/nowhere/git', home: '/nowhere' }),
      clock,
      log: createLogger('silent'),
      waits: true,
    });
    this.upkeep = new PullRequestUpkeep({ events, repositories, clock });
  }

  private tip(eventId: string): string | null | undefined {
    const event = this.rig.events.get(eventId);
    return event === undefined ? undefined : (tipOf(event) ?? null);
  }

  /** @returns why it was refused; undefined when it was not */
  async push(
    authority: PushAuthority,
    name: string,
    oldId: string,
    newId: string,
  ): Promise<string | undefined> {
    const repository = this.rig.repositories.repositories.get(ID);
    const since = repository.mark();
    const state = await repository.resolve();
    const rules = rulesFor(authority, { id: ID, pullRequestTip: (id) => this.tip(id) });
    const change = new PushChange({
      commands: [{ name, oldId, newId }],
      atomic: false,
      rules,
      objects: new Map(TIPS.map((tip) => [tip, { type: 'commit' }])),
      disconnected: { tips: new Set(), problem: { class: 'object', reason: 'missing necessary objects' } },
      pack: undefined,
      proof: { packs: new Set(), incarnation: undefined, epoch: undefined, walked: true, linked: true },
      since,
      initial: state?.manifest ?? stateOf(),
      proveAgain: async () => ({ disconnected: new Set(), objects: new Map() }),
    });
    const { result } = await repository.publisher.join(change);
    await this.note();
    return result.result[0]?.reason;
  }

  async send(event: NostrEvent, address = '192.0.2.1') {
    const verdict = await this.pullRequests.take(verified(event), address);
    await this.note();
    return verdict;
  }

  /** What is told of every publish. */
  async note(): Promise<void> {
    const state = await this.rig.repositories.repositories.get(ID).resolve();
    if (state === undefined) return;
    this.pullRequests.note(ID, state.manifest);
    this.upkeep.note(ID, state.manifest);
    await this.pullRequests.idle();
  }

  async refs(): Promise<ReadonlyMap<string, string>> {
    return (await this.rig.manifest(ID))?.refs ?? new Map();
  }

  isShown({ id }: NostrEvent): boolean {
    return this.rig.events.get(id) !== undefined && !this.rig.events.isHidden(id);
  }
}

async function servers(seed = 1): Promise<[Server, Server]> {
  const rig = new RelayRig({ seed });
  const pair: [Server, Server] = [new Server(rig), new Server(rig.another(seed + 1))];
  await rig.announce(announcement(alice, { maintainers: [bob] }));
  return pair;
}

const request = (tip: string, by = dave, number = 0): NostrEvent =>
  by.sign({
    kind: kinds.pullRequest,
    tags: [
      ['a', ADDRESS],
      ['c', tip],
      ['subject', `${number}`],
    ],
  });

const anonymous: PushAuthority = { kind: 'signed-state' };
const shown = (key: { publicKey: string }): PushAuthority => ({
  kind: 'signed-state',
  caller: { actor: key.publicKey, token },
});
const byKey = (key: { publicKey: string }): PushAuthority => ({ kind: 'key', actor: key.publicKey, token });

describe('a pull request (issue 11, point 8)', () => {
  it('is not shown after a push of its tip to a repository that it does not name', async () => {
    const [server] = await servers();
    const elsewhere = dave.sign({
      kind: kinds.pullRequest,
      tags: [
        ['a', `${kinds.repository}:${carol.publicKey}:project`],
        ['c', TIPS[0]],
      ],
    });
    await server.rig.announce(announcement(carol));
    expect((await server.send(elsewhere)).note).toMatch(/^purgatory: /);
    expect(await server.push(anonymous, `refs/nostr/${elsewhere.id}`, ZERO, TIPS[0])).toBeUndefined();
    expect(server.isShown(elsewhere)).toBe(false);
  });

  it('is shown when its tip comes to another ref, or by upkeep if another server got the push', async () => {
    const [server, other] = await servers();
    const [event, later] = [request(TIPS[0]), request(TIPS[1])];
    await server.send(event);
    await server.push(byKey(alice), 'refs/heads/main', ZERO, TIPS[0]);
    expect(server.isShown(event)).toBe(true);
    await server.send(later);
    const repository = other.rig.repositories.repositories.get(ID);
    const manifest = await other.rig.manifest(ID);
    if (manifest === undefined) throw new Error('it is there');
    await repository.publisher.join({
      since: 0,
      evaluate: async (state) => ({
        next: { ...(state ?? manifest), refs: new Map([['refs/heads/main', TIPS[1]]]) },
        cause: { kind: 'push', actor: alice.publicKey, evidence: token, refs: ['refs/heads/main'] },
        result: undefined,
      }),
    });
    expect(server.isShown(later)).toBe(false);
    await server.pullRequests.run(signal);
    expect(server.isShown(later)).toBe(true);
  });

  it.each<[string, number, string, (number: number) => [NostrEvent, string]]>([
    ['of one key', 32, 'of your key', (number) => [request(TIPS[0], dave, number), `192.0.2.${number}`]],
    [
      'from one address',
      64,
      'from your address',
      (number) => [request(TIPS[0], author(100 + number)), '192.0.2.1'],
    ],
    [
      'for one repository',
      128,
      'for this repository',
      (number) => [request(TIPS[0], author(100 + number)), `192.0.2.${number}`],
    ],
  ])(
    'waits beside a bounded number %s, and does not wait if its tip came first',
    async (_what, most, reason, made) => {
      const [server] = await servers();
      for (let number = 0; number < most; number++) {
        expect((await server.pullRequests.take(verified(made(number)[0]), made(number)[1])).note).toMatch(
          /^purgatory: /,
        );
      }
      const [next, address] = made(most);
      const answer = await server.pullRequests.take(verified(next), address);
      expect(answer).toEqual({ accepted: false, note: expect.stringMatching(`^rate-limited: .*${reason}`) });
      expect(server.rig.events.get(next.id)).toBeUndefined();
      server.rig.clock.advance(30 * 60_000 + 1);
      const [after] = made(most + 1);
      const later = await server.pullRequests.take(verified(after), address);
      expect(later.note, 'later').toMatch(/^purgatory: /);
      await server.push(anonymous, `refs/nostr/${next.id}`, ZERO, TIPS[0]);
      expect(await server.send(next, address)).toEqual({ accepted: true, note: '' });
    },
  );
});

describe('a pull request beside failures', () => {
  it('that waited when the server was started anew is shown when its tip comes to any ref', async () => {
    const [server] = await servers();
    const event = request(TIPS[0]);
    expect((await server.send(event)).note).toMatch(/^purgatory: /);
    const anew = new Server(server.rig);
    await anew.push(byKey(alice), 'refs/heads/main', ZERO, TIPS[0]);
    expect(anew.isShown(event)).toBe(true);
  });

  it('that could not be stored takes no place among those that wait', async () => {
    const [server] = await servers();
    server.rig.events.failure = new Error('no log');
    for (let number = 0; number < 40; number++) {
      const address = `192.0.2.${number}`;
      await expect(server.send(request(TIPS[0], dave, number), address)).rejects.toThrow('no log');
    }
    server.rig.events.failure = undefined;
    expect((await server.send(request(TIPS[0]), '192.0.2.99')).note).toMatch(/^purgatory: /);
  });

  it('that its author has deleted takes no place among those that wait, and others’ deletions change nothing', async () => {
    const [server, other] = await servers();
    const sent = Array.from({ length: 32 }, (_, number) => request(TIPS[0], dave, number));
    for (const [number, event] of sent.entries()) await server.send(event, `192.0.2.${number}`);
    const tags = sent.slice(0, 1).map(({ id }) => ['e', id]);
    const next = request(TIPS[0], dave, 99);
    for (const [by, note] of [
      [carol, /^rate-limited: .*of your key/],
      [dave, /^purgatory: /],
    ] as const) {
      await other.rig.events.append([verified(by.sign({ kind: kinds.deletion, tags }))]);
      expect((await server.send(next, '192.0.2.99')).note).toMatch(note);
    }
  });

  it('whose tip git had no room to look for is looked for by each run of upkeep until it has', async () => {
    const [server] = await servers();
    const repository = server.rig.repositories.repositories.get(ID);
    await repository.publisher.join({
      since: 0,
      evaluate: async (state) => ({
        ...(state === undefined
          ? {}
          : {
              next: { ...state, refs: new Map([['refs/heads/main', TIPS[2]]]), packs: [packOf('a')] },
              cause: { kind: 'push', actor: alice.publicKey, evidence: null, refs: ['refs/heads/main'] },
            }),
        result: undefined,
      }),
    });
    let answer = 'no objects';
    const snapshot = vi.spyOn(GitRepository.prototype, 'snapshot').mockImplementation(async () => {
      throw new CairnError(answer === 'busy' ? 'busy' : 'unavailable', answer);
    });
    const looks = () => snapshot.mock.calls.splice(0).length;
    answer = 'busy';
    await server.send(request(TIPS[0]));
    expect(looks()).toBeGreaterThan(0);
    for (let run = 0; run < 2; run++) {
      await server.pullRequests.run(signal);
      expect(looks(), `run ${run}`).toBe(1);
    }
    answer = 'no objects';
    for (let run = 0; run < 2; run++) {
      await expect(server.pullRequests.run(signal)).rejects.toThrow('no objects');
      expect(looks(), `run ${run} of a store that is away`).toBe(1);
    }
    snapshot.mockRestore();
  });
});

interface ModelRef {
  readonly tip: string;
  readonly by: string | undefined;
}

/** Who may do what, said as simply as it can be. */
class Model {
  readonly refs = new Map<number, ModelRef>();
  readonly heard = new Set<number>();
  readonly shown = new Set<number>();
  /** Of events that wait: how often twenty minutes have passed. */
  private readonly rounds = new Map<number, number>();
  branch: string | undefined;
  readonly tips: readonly string[];

  constructor(tips: readonly string[]) {
    this.tips = tips;
  }

  push(who: Who, number: number, from: string, to: string): boolean {
    const ref = this.refs.get(number);
    const [current, tip] = [ref?.tip ?? ZERO, this.tips[number] ?? ''];
    const bound = who.role === 'stranger';
    if (this.heard.has(number) && to !== tip && (bound || to !== ZERO)) return false;
    if (current === to) return true;
    if (from !== current) return false;
    if (
      bound &&
      !this.heard.has(number) &&
      ref !== undefined &&
      !(ref.by !== undefined && ref.by === who.key)
    )
      return false;
    if (to === ZERO) this.refs.delete(number);
    else this.refs.set(number, { tip: to, by: bound ? who.key : undefined });
    this.settle();
    return true;
  }

  send(number: number): void {
    this.heard.add(number);
    this.settle();
  }

  /** What follows at once from what is there. */
  settle(): void {
    for (const number of this.heard) {
      const [ref, tip] = [this.refs.get(number), this.tips[number]];
      if (ref !== undefined && ref.tip !== tip) this.refs.delete(number);
      if (
        this.refs.has(number) ||
        this.branch === tip ||
        [...this.refs.values()].some((any) => any.tip === tip)
      ) {
        this.shown.add(number);
      }
    }
  }

  /** Twenty minutes have passed. */
  expire(): void {
    for (const number of this.refs.keys()) if (!this.heard.has(number)) this.refs.delete(number);
  }

  /** @returns the events that have waited for longer than half an hour by now: nobody knows them any more */
  forget(): number[] {
    const late = [...this.heard].filter((number) => {
      if (this.shown.has(number)) return false;
      const rounds = (this.rounds.get(number) ?? 0) + 1;
      this.rounds.set(number, rounds);
      return rounds > 1;
    });
    for (const number of late) {
      this.heard.delete(number);
      this.rounds.delete(number);
    }
    return late;
  }
}

interface Who {
  readonly role: 'stranger' | 'writer';
  readonly key: string | undefined;
  readonly authority: PushAuthority;
}

const PEOPLE: readonly Who[] = [
  { role: 'stranger', key: undefined, authority: anonymous },
  { role: 'stranger', key: carol.publicKey, authority: shown(carol) },
  { role: 'stranger', key: dave.publicKey, authority: shown(dave) },
  { role: 'writer', key: alice.publicKey, authority: byKey(alice) },
  { role: 'writer', key: bob.publicKey, authority: byKey(bob) },
];

describe('random pushes, events and waits, on two servers over one bucket (issue 11, point 8)', () => {
  it.each(Array.from({ length: 12 }, (_, at) => 1_000 + at))(
    'come to what the model says (seed %i)',
    async (seed) => {
      const random = new SeededRandom(seed);
      const pair = await servers(seed);
      const requests = Array.from({ length: 4 }, (_, number) =>
        request(random.pick(TIPS), dave, number + seed * 10),
      );
      const model = new Model(requests.map((event) => tipOf(event) ?? ''));
      const name = (number: number) => `refs/nostr/${requests[number]?.id}`;
      const done: string[] = [];
      for (let step = 0; step < 40; step++) {
        const server = random.pick(pair);
        const number = random.below(requests.length);
        const event = requests[number];
        if (event === undefined) throw new RangeError('no such request');
        const chance = random.fraction();
        if (chance < 0.65) {
          const who = random.pick(PEOPLE);
          const current = model.refs.get(number)?.tip ?? ZERO;
          const from = random.fraction() < 0.8 ? current : random.pick([ZERO, ...TIPS]);
          const to = random.pick([ZERO, ...TIPS]);
          // Git sends no command that asks for nothing at all.
          if (from === ZERO && to === ZERO) continue;
          done.push(`${who.role} ${who.key?.slice(0, 4)} pushes ${number} ${from[0]}→${to[0]}`);
          const expected = model.push(who, number, from, to);
          const reason = await server.push(who.authority, name(number), from, to);
          expect(reason === undefined, `${done.join('\n')}\n${reason}`).toBe(expected);
        } else if (chance < 0.85) {
          done.push(`event ${number} comes`);
          model.send(number);
          const verdict = await server.send(event);
          expect(verdict.accepted, done.join('\n')).toBe(true);
          expect(verdict.note.startsWith('purgatory: '), `${done.join('\n')}\n${verdict.note}`).toBe(
            !model.shown.has(number),
          );
        } else if (chance < 0.93) {
          done.push('twenty minutes pass');
          for (const each of pair) await each.note();
          for (const each of pair) each.rig.clock.advance(PULL_REQUEST_WAITS_MS);
          for (const each of pair) await each.upkeep.run(signal);
          model.expire();
          model.settle();
        } else {
          const to = random.pick(TIPS);
          done.push(`the owner moves main to ${to[0]}`);
          const from = (await server.refs()).get('refs/heads/main') ?? ZERO;
          expect(await server.push(byKey(alice), 'refs/heads/main', from, to)).toBeUndefined();
          model.branch = to;
          model.settle();
        }
        for (const each of pair) await each.note();
        for (const each of pair) {
          const refs = await each.refs();
          const there = requests.map((_event, at) => refs.get(name(at)));
          expect(there, done.join('\n')).toEqual(requests.map((_event, at) => model.refs.get(at)?.tip));
          const visible = requests.map((one) => each.isShown(one));
          expect(visible, done.join('\n')).toEqual(requests.map((_event, at) => model.shown.has(at)));
        }
      }
      for (const each of pair)
        expect([...(await each.refs()).keys()].every((ref) => ref.startsWith('refs/'))).toBe(true);
    },
  );

  it.each([7, 8, 9])(
    'leave no ref that contradicts its event, and show what has arrived (seed %i)',
    async (seed) => {
      const random = new SeededRandom(seed);
      const pair = await servers(seed);
      const requests = Array.from({ length: 4 }, (_, number) => request(random.pick(TIPS), dave, number));
      const working: Promise<unknown>[] = [];
      for (const event of requests) {
        const name = `refs/nostr/${event.id}`;
        for (let push = 0; push < 3; push++) {
          working.push(random.pick(pair).push(random.pick(PEOPLE).authority, name, ZERO, random.pick(TIPS)));
        }
        working.push(random.pick(pair).send(event));
      }
      await Promise.all(working);
      for (const each of pair) await each.note();
      const refs = await pair[0].refs();
      for (const event of requests) {
        const tip = refs.get(`refs/nostr/${event.id}`);
        expect([undefined, tipOf(event)]).toContain(tip);
        if (tip !== undefined) for (const each of pair) expect(each.isShown(event)).toBe(true);
      }
    },
  );
});
