/** Lists and threads, read from the events that a relay keeps. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Cooperative } from '../../../../src/lib/cooperative.ts';
import type { NostrEvent, Tag } from '../../../../src/nostr/event.ts';
import { kinds } from '../../../../src/nostr/kinds.ts';
import { CheckRuns } from '../../../../src/relay/discussions/check-runs.ts';
import type { DiscussionContext } from '../../../../src/relay/discussions/discussion-context.ts';
import { People } from '../../../../src/relay/discussions/people.ts';
import { ThreadLists } from '../../../../src/relay/discussions/thread-lists.ts';
import { ThreadReader } from '../../../../src/relay/discussions/thread-reader.ts';
import { EventIndex } from '../../../../src/relay/log/event-index.ts';
import { announcement, idOf, RelayRig, verified } from '../../../helpers/relay-rig.ts';
import { type Author, alice, author, bob, carol, dave } from '../../nostr/authors.ts';
import { plainEvent } from '../plain-events.ts';

const PROJECT = idOf(alice);
const ADDRESS = `${kinds.repository}:${alice.publicKey}:project`;
const NOBODY = new Set<string>();
const ALL = { skip: 0, count: 50 };
const mallory = author(66);

let rig: RelayRig;
let context: DiscussionContext;
let lists: ThreadLists;
let threads: ThreadReader;

/** A repository of alice's that bob maintains. */
beforeEach(async () => {
  rig = new RelayRig();
  await rig.announce(announcement(alice, { maintainers: [bob] }));
  context = contextOf(rig);
  lists = new ThreadLists(context);
  threads = new ThreadReader(context);
});

function contextOf({ events, trust, directory, clock }: RelayRig): DiscussionContext {
  return {
    events,
    trust,
    visible: (event, reader) => directory.visible(event, reader),
    mentions: (event) => directory.mentions(event),
    clock,
  };
}

async function publish(by: Author, fields: Parameters<Author['sign']>[0]): Promise<NostrEvent> {
  const event = by.sign(fields);
  await rig.events.append([verified(event)]);
  return event;
}

const about = (...tags: Tag[]): Tag[] => [['a', ADDRESS], ...tags];
const issue = (by: Author, subject: string, at?: number) =>
  publish(by, {
    kind: kinds.issue,
    tags: about(['subject', subject]),
    content: 'text',
    ...(at === undefined ? {} : { at }),
  });
const status = (by: Author, kind: number, { id }: NostrEvent, at: number, ...tags: Tag[]) =>
  publish(by, { kind, at, tags: [['e', id, '', 'root'], ...tags] });
const comment = (by: Author, root: NostrEvent, parent: NostrEvent, content: string, at?: number) =>
  publish(by, {
    kind: kinds.comment,
    content,
    tags: [
      ['E', root.id],
      ['e', parent.id],
    ],
    ...(at === undefined ? {} : { at }),
  });

describe('a list of threads', () => {
  const page = (which: Partial<Parameters<ThreadLists['page']>[2]> = {}) =>
    lists.page(PROJECT, 'issue', { status: undefined, ...ALL, ...which });

  it('has the newest first, with status and counts; only its author and maintainers set the status', async () => {
    const [one, two, three] = [
      await issue(carol, '1', 1),
      await issue(carol, '2', 2),
      await issue(dave, '3', 3),
    ];
    await status(mallory, kinds.statusClosed, one, 9);
    await status(carol, kinds.statusClosed, two, 5);
    await status(bob, kinds.statusApplied, two, 7);
    await status(carol, kinds.statusOpen, two, 6);
    await status(carol, kinds.statusDraft, three, 8);
    const { threads: found, counts, cut } = await page();
    expect(found.map(({ id, status: is }) => [id, is])).toEqual([
      [three.id, 'open'],
      [two.id, 'applied'],
      [one.id, 'open'],
    ]);
    expect([counts, cut]).toEqual([{ open: 2, applied: 1, closed: 0, draft: 0 }, false]);
    expect((await page({ status: 'open', skip: 1 })).threads.map(({ id }) => id)).toEqual([one.id]);
  });

  it('follows later events: threads, statuses, deletions, and maintainers', async () => {
    const [one, two] = [await issue(carol, '1', 1), await issue(carol, '2', 2)];
    await page();
    const three = await issue(carol, '3', 3);
    const closed = await status(bob, kinds.statusClosed, one, 5);
    const now = async () => Object.fromEntries((await page()).threads.map(({ id, status: is }) => [id, is]));
    expect(await now()).toEqual({ [one.id]: 'closed', [two.id]: 'open', [three.id]: 'open' });
    await publish(bob, { kind: kinds.deletion, tags: [['e', closed.id]] });
    await publish(carol, { kind: kinds.deletion, tags: [['e', two.id]] });
    expect(await now()).toEqual({ [one.id]: 'open', [three.id]: 'open' });
    await status(bob, kinds.statusApplied, three, 6);
    expect(await now()).toMatchObject({ [three.id]: 'applied' });
    // Bob does not maintain it any more, so his word does not count any more.
    await rig.announce(announcement(alice, { at: 1_700_000_001 }));
    expect(await now()).toEqual({ [one.id]: 'open', [three.id]: 'open' });
  });

  it('uses the status with the larger id of two in the same second', async () => {
    const one = await issue(carol, '1', 1);
    const both = [await status(bob, kinds.statusClosed, one, 5), await status(bob, kinds.statusOpen, one, 5)];
    const expected = (both[0]?.id ?? '') > (both[1]?.id ?? '') ? 'closed' : 'open';
    expect((await page()).threads[0]?.status).toBe(expected);
    expect((await threads.read(PROJECT, one, NOBODY, ALL))?.status).toBe(expected);
  });

  it('ignores a status after its expiration', async () => {
    const one = await issue(carol, '1', 1);
    await status(bob, kinds.statusClosed, one, 5, ['expiration', String(rig.now + 100)]);
    expect((await page()).threads[0]?.status).toBe('closed');
    rig.clock.advance(101_000);
    expect((await page()).threads[0]?.status).toBe('open');
  });

  it('of patches has the first patch of each series, and no revisions', async () => {
    const patch = (at: number, ...tags: Tag[]) =>
      publish(carol, { kind: kinds.patch, at, tags: about(...tags) });
    const first = await patch(1, ['t', 'root']);
    await patch(2, ['e', first.id, '', 'reply']);
    await patch(3, ['t', 'root'], ['t', 'root-revision'], ['e', first.id, '', 'reply']);
    const found = await lists.page(PROJECT, 'patch', { status: undefined, ...ALL });
    expect(found.threads.map(({ id }) => id)).toEqual([first.id]);
  });

  it('of 10,000 is made without reading the threads, and each status is read once', async () => {
    const index = new EventIndex();
    let read = 0;
    const counted: DiscussionContext = {
      ...context,
      events: {
        get: (id) => {
          read++;
          return index.get(id);
        },
        isHidden: (id) => index.isHidden(id),
        latest: (...args) => index.latest(...args),
        listing: (filter, options) => index.listing(filter, options),
        querying: (filters, options): Cooperative<NostrEvent[]> =>
          index.querying(filters, {
            ...options,
            visible: (event) => {
              read++;
              return options.visible(event);
            },
          }),
        onEvent: () => () => undefined,
      },
    };
    const shown = { hidden: false, at: 0 };
    const ids = Array.from({ length: 10_000 }, (_, at) => {
      const event = plainEvent({ created_at: at, tags: [['a', ADDRESS]] });
      index.add(event, shown);
      return event.id;
    });
    for (const id of ids.slice(0, 100))
      index.add(plainEvent({ kind: kinds.statusClosed, by: bob.publicKey, tags: [['e', id]] }), shown);
    const many = new ThreadLists(counted);
    const last = await many.page(PROJECT, 'issue', { status: 'open', skip: 9_850, count: 50 });
    expect(last.threads).toHaveLength(50);
    expect(last.counts).toEqual({ open: 9_900, applied: 0, closed: 100, draft: 0 });
    expect(read).toBe(100);
    await many.page(PROJECT, 'issue', { status: 'closed', skip: 50, count: 50 });
    expect(read).toBe(100);
  });
});

describe('a thread', () => {
  it('has labels, another subject and a note only by those who may change it', async () => {
    const root = await publish(carol, { kind: kinds.issue, tags: about(['subject', 'Old'], ['t', 'bug']) });
    const label = (by: Author, at: number, ...tags: Tag[]) =>
      publish(by, { kind: kinds.label, at, tags: [['e', root.id, '', 'root'], ...tags] });
    await label(bob, 1, ['l', 'urgent', '#t']);
    await label(mallory, 2, ['l', 'spam', '#t'], ['l', 'Owned', '#subject']);
    await label(carol, 3, ['l', 'New', '#subject']);
    const note = { kind: kinds.coverNote, tags: [['e', root.id, '', 'root']] };
    await publish(bob, { ...note, at: 1, content: 'first' });
    await publish(carol, { ...note, at: 2, content: 'second' });
    await publish(mallory, { ...note, at: 3, content: 'evil' });
    expect(await threads.read(PROJECT, root, NOBODY, ALL)).toMatchObject({
      start: { subject: 'New', labels: ['bug', 'urgent'] },
      formerSubject: 'Old',
      coverNote: { content: 'second' },
    });
  });

  it('has its comments, oldest first, in pages, without deleted ones', async () => {
    const root = await issue(carol, 'one');
    const first = await comment(dave, root, root, 'first', 1);
    await comment(carol, root, first, 'second', 2);
    const third = await comment(dave, root, root, 'third', 3);
    const read = async (skip: number, count: number) =>
      (await threads.read(PROJECT, root, NOBODY, { skip, count }))?.comments.map(({ content }) => content);
    expect(await read(0, 2)).toEqual(['first', 'second']);
    expect(await read(2, 2)).toEqual(['third']);
    await publish(dave, { kind: kinds.deletion, tags: [['e', third.id]] });
    expect(await read(0, 9)).toEqual(['first', 'second']);
    expect(await threads.commentCount(root.id)).toBe(2);
  });

  it('is found in its own repository and kind only', async () => {
    const root = await issue(carol, 'one');
    expect(threads.find(PROJECT, 'issue', root.id, NOBODY)?.id).toBe(root.id);
    expect(threads.find(PROJECT, 'pull', root.id, NOBODY)).toBeUndefined();
    expect(threads.find(idOf(bob), 'issue', root.id, NOBODY)).toBeUndefined();
    expect(threads.find(PROJECT, 'issue', '0'.repeat(64), NOBODY)).toBeUndefined();
  });

  it('of a private repository is visible to its readers only', async () => {
    const root = await issue(carol, 'one');
    await rig.announce(
      announcement(alice, {
        at: 1_700_000_001,
        tags: [
          ['private', 'true'],
          ['reader', dave.publicKey],
        ],
      }),
    );
    expect(threads.find(PROJECT, 'issue', root.id, NOBODY)).toBeUndefined();
    expect(threads.find(PROJECT, 'issue', root.id, new Set([mallory.publicKey]))).toBeUndefined();
    expect(threads.find(PROJECT, 'issue', root.id, new Set([dave.publicKey]))?.id).toBe(root.id);
  });

  it('of a pull request has the tips of its author and maintainers', async () => {
    const [a, b, c] = ['a', 'b', 'c'].map((digit) => digit.repeat(40));
    const root = await publish(carol, { kind: kinds.pullRequest, at: 1, tags: about(['c', a ?? '']) });
    const update = (by: Author, tip: string | undefined, at: number) =>
      publish(by, { kind: kinds.pullRequestUpdate, at, tags: about(['E', root.id], ['c', tip ?? '']) });
    await update(carol, b, 2);
    await update(mallory, c, 3);
    const thread = await threads.read(PROJECT, root, NOBODY, ALL);
    expect(thread?.versions.map(({ tip }) => tip)).toEqual([b, a]);
  });

  it('of a patch has its series and revisions in order, without additions of strangers', async () => {
    const patch = (by: Author, at: number, subject: string, ...tags: Tag[]) =>
      publish(by, {
        kind: kinds.patch,
        at,
        tags: about(...tags),
        content: `Subject: [PATCH] ${subject}\n\n`,
      });
    const root = await patch(carol, 1, 'one', ['t', 'root']);
    const two = await patch(carol, 2, 'two', ['e', root.id, '', 'root'], ['e', root.id, '', 'reply']);
    // Dated before the one that it follows.
    const three = await patch(carol, 1, 'three', ['e', root.id, '', 'root'], ['e', two.id, '', 'reply']);
    const again = await patch(carol, 5, 'one again', ['t', 'root-revision'], ['e', root.id, '', 'reply']);
    const more = await patch(
      carol,
      6,
      'two again',
      ['e', again.id, '', 'root'],
      ['e', again.id, '', 'reply'],
    );
    await patch(mallory, 7, 'evil', ['e', root.id, '', 'root'], ['e', two.id, '', 'reply']);
    const patches = (await threads.read(PROJECT, root, NOBODY, ALL))?.patches;
    expect(patches?.series.map((series) => series.patches.map(({ subject }) => subject))).toEqual([
      ['one', 'two', 'three'],
      ['one again', 'two again'],
    ]);
    expect(patches?.byOthers.map(({ subject }) => subject)).toEqual(['evil']);
    expect(threads.rootOf(three, NOBODY).id).toBe(root.id);
    expect(threads.rootOf(more, NOBODY).id).toBe(root.id);
  });

  it('of very many patches is cut', async () => {
    const root = await publish(carol, { kind: kinds.patch, tags: about(['t', 'root']) });
    for (let at = 0; at < 110; at++)
      await publish(carol, { kind: kinds.patch, tags: about(['e', root.id, '', 'reply']), content: `${at}` });
    const patches = (await threads.read(PROJECT, root, NOBODY, ALL))?.patches;
    expect([patches?.series[0].patches.length, patches?.cut]).toEqual([100, true]);
  });
});

describe('a flood by strangers', () => {
  it('hides nothing: statuses, labels, patches, checks', async () => {
    const commit = 'c'.repeat(40);
    const root = await publish(carol, { kind: kinds.patch, at: 1, tags: about(['t', 'root']) });
    const tags: Tag[] = [['e', root.id, '', 'root']];
    await publish(bob, { kind: kinds.statusApplied, at: 2, tags });
    await publish(bob, { kind: kinds.label, at: 2, tags: [...tags, ['l', 'kept', '#t']] });
    await publish(carol, { kind: kinds.patch, at: 2, tags, content: 'Subject: second\n\n' });
    const run = about(['c', commit], ['w', 'ci.yml', '0'.repeat(64)], ['conclusion', 'success']);
    await publish(bob, { kind: kinds.ciWorkflowResult, at: 2, tags: run });
    const flood = { by: mallory.publicKey, created_at: 9 };
    for (let at = 0; at < 700; at++) {
      const content = String(at);
      await rig.events.append([
        plainEvent({ ...flood, kind: kinds.statusClosed, tags, content }),
        plainEvent({ ...flood, kind: kinds.label, tags: [...tags, ['l', 'spam', '#t']], content }),
        plainEvent({ ...flood, kind: kinds.patch, tags, content }),
        plainEvent({ ...flood, kind: kinds.ciWorkflowResult, tags: run, content }),
      ]);
    }
    const thread = await threads.read(PROJECT, root, NOBODY, ALL);
    expect(thread).toMatchObject({ status: 'applied', start: { labels: ['kept'] } });
    expect(thread?.patches?.series[0].patches.map(({ subject }) => subject)).toEqual([
      'No subject',
      'second',
    ]);
    expect(thread?.patches?.byOthers).toHaveLength(20);
    const [check] = await new CheckRuns(context).ofCommit(PROJECT, commit, NOBODY);
    expect(check).toMatchObject({ asked: true, run: { author: bob.publicKey } });
  });
});

describe('checks (NIP-C1)', () => {
  const commit = 'c'.repeat(40);
  const common = about(['c', commit], ['w', 'ci.yml', '0'.repeat(64)], ['o', 'push']);
  const run = (by: Author, at: number, conclusion: string, ...tags: Tag[]) =>
    publish(by, { kind: kinds.ciWorkflowResult, at, tags: [...common, ['conclusion', conclusion], ...tags] });
  const ofCommit = () => new CheckRuns(context).ofCommit(PROJECT, commit, NOBODY);

  it('show whether a maintainer asked for them', async () => {
    const ask = (by: Author, kind: number, coordinator: Author, at: number) =>
      publish(by, { kind, at, tags: about(['p', coordinator.publicKey]) });
    await ask(bob, kinds.ciServiceRequest, dave, 10);
    await ask(mallory, kinds.ciServiceRequest, mallory, 10);
    await ask(alice, kinds.ciServiceStop, dave, 30);
    await run(dave, 5, 'failure');
    await run(dave, 20, 'success');
    await run(dave, 40, 'cancelled');
    await run(mallory, 50, 'neutral');
    await run(alice, 1, 'skipped');
    expect((await ofCommit()).map(({ run: { conclusion }, asked }) => [conclusion, asked])).toEqual([
      ['success', true],
      ['skipped', true],
      ['neutral', false],
      ['cancelled', false],
      ['failure', false],
    ]);
  });

  it('have jobs of the same commit, and no progress after the result', async () => {
    const job = (at: number, ...tags: Tag[]) =>
      publish(dave, {
        kind: kinds.ciJobResult,
        at,
        tags: [...tags, ['job', `j${at}`], ['conclusion', 'success']],
      });
    const mine = await job(1, ...common);
    const other = await job(2, ...about(['c', 'd'.repeat(40)], ['w', 'ci.yml', '0'.repeat(64)]));
    await publish(bob, {
      kind: kinds.ciWorkflowProgress,
      at: 1,
      tags: [...common, ['d', 'run'], ['status', 'in_progress']],
    });
    expect((await ofCommit()).map(({ run: { status: is } }) => is)).toEqual(['in_progress']);
    await run(bob, 2, 'success', ['r', 'run'], ['q', mine.id], ['q', other.id]);
    const checks = await ofCommit();
    expect(checks.map(({ jobs }) => jobs.map(({ job: name }) => name))).toEqual([['j1']]);
    expect(await new CheckRuns(context).ofCommit(idOf(bob), commit, NOBODY)).toEqual([]);
  });

  it('show no more than a hundred jobs together, of the first runs', async () => {
    const jobs: Tag[] = [];
    for (let at = 0; at < 30; at++) {
      const tags = [...common, ['job', `j${at}`], ['conclusion', 'success']];
      const job = plainEvent({ by: dave.publicKey, kind: kinds.ciJobResult, tags, content: `${at}` });
      await rig.events.append([job]);
      jobs.push(['q', job.id]);
    }
    for (let at = 0; at < 6; at++) await run(bob, at, 'success', ...jobs);
    expect((await ofCommit()).map(({ jobs: shown }) => shown.length)).toEqual([30, 30, 30, 10, 0, 0]);
  });
});

describe('people', () => {
  it('are shown with their profiles and what they did here', async () => {
    const people = new People(context);
    expect(people.profile(alice.publicKey, NOBODY)).toBeUndefined();
    await publish(alice, { kind: kinds.profile, content: '{"name":"Alice"}' });
    expect(people.profile(alice.publicKey, NOBODY)?.name).toBe('Alice');
    const one = await issue(carol, 'one', 1);
    const two = await comment(carol, one, one, 'two', 2);
    expect((await people.activity(carol.publicKey, NOBODY, 10)).map(({ id }) => id)).toEqual([
      two.id,
      one.id,
    ]);
    await rig.announce(announcement(alice, { at: 1_700_000_001, tags: [['private', 'true']] }));
    expect(await people.activity(carol.publicKey, NOBODY, 10)).toEqual([]);
    expect(people.profile(alice.publicKey, NOBODY)).toBeUndefined();
  });
});
