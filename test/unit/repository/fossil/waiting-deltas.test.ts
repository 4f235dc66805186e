import { describe, expect, it } from 'vitest';
import { nameOf } from '../../../../src/fossil/artifact-name.ts';
import { createDelta } from '../../../../src/fossil/create-delta.ts';
import { prepareArtifacts } from '../../../../src/repository/fossil/intake.ts';
import type { ReceivedArtifact } from '../../../../src/repository/fossil/prepared-artifacts.ts';
import { canSettle, publishArtifacts } from '../../../../src/repository/fossil/publish-artifacts.ts';
import {
  clusterOf,
  delta,
  FossilRig,
  lines,
  namesOf,
  PUSHED,
  waitingBytes,
  whole,
} from '../../../helpers/fossil-rig.ts';

const source = whole(lines(0, 200));
const target = whole(lines(1, 200));
const next = whole(lines(2, 200));

const DAY = 86_400_000;

describe('a delta without its source', () => {
  it('waits durably: it is not shown or counted, and its source is requested', async () => {
    const rig = await new FossilRig().create();
    await rig.push([delta(source, target)]);
    for (const bag of [await rig.bag(), await rig.another().bag()]) {
      expect(bag.count).toBe(0);
      expect(bag.state.artifacts).toBe(0);
      expect(bag.find(target.name)).toBeUndefined();
      expect(bag.isWaiting(target.name)).toBe(true);
      expect(bag.wanted(10)).toEqual([source.name]);
      expect([...bag.unclustered()]).toEqual([]);
      expect((await bag.storedRun(0, 1_000)).artifacts).toEqual([]);
    }
  });

  it('becomes an artifact when its source comes to any server, and so do deltas of it', async () => {
    const rig = await new FossilRig().create();
    await rig.push([delta(target, next)]);
    await rig.push([delta(source, target)]);
    const { added, bag } = await rig.another().push([source]);
    expect([...added].sort()).toEqual([source, target, next].map(({ name }) => name).sort());
    expect(bag.waitingCount).toBe(0);
    const cold = await rig.another(3).bag();
    expect(Buffer.from(await cold.content(next.name)).toString()).toBe(lines(2, 200));
    expect(cold.state.artifacts).toBe(3);
    expect(cold.wanted(1)).toEqual([]);
  });

  it('becomes an artifact at once if its source comes later in the same request', async () => {
    const rig = await new FossilRig().create();
    const { added } = await rig.push([delta(target, next), delta(source, target), source]);
    expect(added.length).toBe(3);
  });

  it('becomes an artifact if its source was published by another server at the same time', async () => {
    const one = await new FossilRig().create();
    const two = one.another();
    const content = Buffer.from('unversioned');
    const file = { name: 'file', time: 1, hash: nameOf(content, 'sha1'), size: content.length, content };
    const [prepared, ofSource] = [
      await prepareArtifacts(await one.bag(), { artifacts: [delta(source, target)], unversioned: [file] }),
      await prepareArtifacts(await two.bag(), [source]),
    ];
    await publishArtifacts(two.repository, ofSource, PUSHED);
    const { bag, added, unversioned } = await publishArtifacts(one.repository, prepared, PUSHED);
    expect([added, unversioned]).toEqual([[target.name], 1]);
    expect(canSettle(bag)).toBe(false);
    expect(namesOf(await two.bag())).toEqual([source.name, target.name].sort());
  });

  it('is dropped for good if it is wrong, and the artifact may come again', async () => {
    const rig = await new FossilRig().create();
    const wrong = {
      ...target,
      source: source.name,
      payload: createDelta(source.payload, Buffer.from('other')),
    };
    await rig.push([wrong]);
    const { added } = await rig.push([source]);
    expect(added).toEqual([source.name]);
    for (const bag of [await rig.bag(), await rig.another().bag()]) {
      expect(bag.isWaiting(target.name)).toBe(false);
      expect(bag.waitingCount).toBe(0);
      expect(namesOf(bag)).toEqual([source.name]);
    }
    await rig.push([delta(source, target)]);
    expect(namesOf(await rig.another(3).bag())).toEqual([source.name, target.name].sort());
  });

  it('is dropped when the whole artifact comes', async () => {
    const rig = await new FossilRig().create();
    await rig.push([delta(source, target)]);
    await rig.push([target]);
    const bag = await rig.another().bag();
    expect(bag.wanted(10)).toEqual([]);
    expect([bag.count, bag.isWaiting(target.name)]).toEqual([1, false]);
  });
});

describe('a request that brings the source of deltas that have waited', () => {
  const near = (artifact: ReceivedArtifact) => whole(Buffer.concat([artifact.payload, Buffer.from('x')]));
  const names = (from: number, count: number) =>
    Array.from({ length: count }, (_, at) => nameOf(Buffer.from(`member ${from + at}`), 'sha1'));

  it.each([1, 2, 3, 10])('makes them in steps of %i contents, and is not refused for them', async (step) => {
    const rig = await new FossilRig().create();
    const targets = Array.from({ length: 5 }, (_, at) => whole(lines(at + 1, 200)));
    const largest = Math.max(source.payload.length, ...targets.map(({ payload }) => payload.length));
    await rig.push(targets.map((target) => delta(source, target)));
    const { added, bag } = await rig.push([source], { expanded: step * largest });
    expect(added.length).toBe(6);
    expect([bag.count, bag.waitingCount]).toEqual([6, 0]);
    expect(namesOf(await rig.another().bag())).toEqual([source, ...targets].map(({ name }) => name).sort());
  });

  it.each([{ members: 10 }, { missing: 10 }])(
    'is not refused for a cluster with too many members: %o',
    async (limits) => {
      const rig = await new FossilRig().create();
      const cluster = clusterOf(names(0, 20));
      await rig.push([delta(near(cluster), cluster)]);
      const { added, bag } = await rig.push([near(cluster)], limits);
      expect(added).toEqual([near(cluster).name]);
      expect([bag.waitingCount, canSettle(bag)]).toEqual([0, false]);
      await expect(rig.push([cluster], limits)).rejects.toMatchObject({ kind: 'too-large' });
      await rig.push([cluster]);
      expect((await rig.another().bag()).find(cluster.name)).toMatchObject({ isCluster: true });
    },
  );

  it('takes clusters in steps if they have too many members together', async () => {
    const rig = await new FossilRig().create();
    const clusters = [0, 8, 16].map((from) => clusterOf(names(from, 8)));
    const base = whole(Buffer.concat(clusters.map(({ payload }) => payload)));
    await rig.push(clusters.map((cluster) => delta(base, cluster)));
    const own = clusterOf(names(24, 8));
    const { bag } = await rig.push([own, base], { members: 10 });
    expect([...bag.clusters()].length).toBe(4);
    expect([bag.waitingCount, bag.wanted(100).length]).toEqual([0, 32]);
  });

  it('makes an artifact that came whole again, although a delta of it was wrong', async () => {
    const rig = await new FossilRig().create();
    const wrong = { ...target, source: source.name, payload: createDelta(source.payload, Buffer.from('x')) };
    await rig.push([wrong]);
    await rig.push([target, delta(target, next), delta(target, source)]);
    expect(namesOf(await rig.another().bag())).toEqual([source, target, next].map(({ name }) => name).sort());
  });
});

describe('a bad artifact', () => {
  const absent = nameOf(Buffer.from('absent'), 'sha1');

  it.each([
    [
      'a content that has another name',
      [whole('good'), { ...whole('bad'), payload: Buffer.from('worse') }],
      /bad|[0-9a-f]{64}/,
    ],
    [
      'a delta that makes something else',
      [source, { ...delta(source, target), name: whole('x').name }],
      /does not match its name/,
    ],
    [
      'a delta that is none',
      [source, { ...target, source: source.name, payload: Buffer.from('nonsense') }],
      /delta/,
    ],
    [
      'a delta that is none, of what is not here',
      [{ ...target, source: absent, payload: Buffer.from('nonsense') }],
      /delta/,
    ],
    [
      'zlib that is none',
      [{ ...target, form: 'stored' as const, payload: Buffer.from('nonsense') }],
      /payload/,
    ],
    ['another size than declared', [{ ...target, size: 1 }], /size/],
    [
      'a delta of itself',
      [{ ...target, source: target.name, payload: createDelta(target.payload, target.payload) }],
      /circle/,
    ],
    ['deltas in a circle', [delta(source, target), delta(target, source)], /circle/],
  ])('stores nothing of its request: %s', async (_, received, message) => {
    const rig = await new FossilRig().create();
    const before = await rig.bag();
    rig.store.reset();
    await expect(rig.push(received)).rejects.toThrow(message);
    await expect(rig.push(received)).rejects.toThrow(
      new RegExp(`artifact (${received.map(({ name }) => name).join('|')})`),
    );
    expect(rig.store.writes()).toBe(0);
    expect((await rig.bag()).digest).toBe(before.digest);
  });

  it('that is a bomb is refused: a payload or a delta that makes too much', async () => {
    const rig = await new FossilRig().create();
    const large = whole(Buffer.alloc(100_000));
    await expect(rig.push([large], { artifact: 99_999 })).rejects.toThrow(/too-large|99999/);
    const zeros = whole(Buffer.alloc(50_000));
    const bomb = { ...large, source: zeros.name, payload: Buffer.from('1Oe0\nmDG@0,mDG@0,0;') };
    await expect(rig.push([zeros, bomb], { artifact: 60_000 })).rejects.toMatchObject({ kind: 'too-large' });
    await expect(rig.push([bomb], { artifact: 60_000 })).rejects.toMatchObject({ kind: 'too-large' });
    // Many deltas that each make a little too much together.
    const many = Array.from({ length: 100 }, (_, at) => delta(zeros, whole(Buffer.alloc(50_000, at % 7))));
    await expect(rig.push([zeros, ...many], { expanded: 1_000_000 })).rejects.toMatchObject({
      kind: 'too-large',
    });
  });

  it('is refused if too much waits', async () => {
    const rig = await new FossilRig().create();
    const waiting = Array.from({ length: 10 }, (_, at) => delta(whole(`absent ${at}`), whole(lines(at, 20))));
    await expect(rig.push(waiting, { waitingRecords: 9 })).rejects.toMatchObject({ kind: 'too-large' });
    await expect(rig.push(waiting, { waiting: 500 })).rejects.toMatchObject({ kind: 'too-large' });
    await rig.push(waiting.slice(0, 9), { waitingRecords: 9 });
    await expect(rig.push(waiting, { waitingRecords: 9 })).rejects.toMatchObject({ kind: 'too-large' });
  });

  it('is dropped by the next push after 30 days, and waits again if it comes again', async () => {
    const rig = await new FossilRig().create();
    await rig.push([delta(source, target)]);
    rig.clock.advance(30 * DAY);
    await rig.push([whole('one')]);
    expect((await rig.bag()).isWaiting(target.name)).toBe(true);
    rig.clock.advance(DAY);
    await rig.push([whole('two')]);
    for (const bag of [await rig.bag(), await rig.another().bag()]) {
      expect([bag.isWaiting(target.name), bag.waitingCount, bag.wanted(10)]).toEqual([false, 0, []]);
    }
    await rig.push([delta(source, target)]);
    rig.clock.advance(31 * DAY);
    // The same again: it came today.
    await rig.push([delta(source, target)]);
    rig.clock.advance(30 * DAY);
    const { added } = await rig.another().push([source]);
    expect([...added].sort()).toEqual([source.name, target.name].sort());
  });

  it('makes room for others after a day if there is none', async () => {
    const rig = await new FossilRig().create();
    const of = (from: number, count: number) =>
      Array.from({ length: count }, (_, at) =>
        delta(whole(`absent ${from + at}`), whole(lines(from + at, 20))),
      );
    const limits = { waitingRecords: 10 };
    await rig.push(of(0, 10), limits);
    rig.clock.advance(DAY);
    await expect(rig.push(of(10, 1), limits)).rejects.toMatchObject({ kind: 'too-large' });
    rig.clock.advance(DAY);
    await rig.push(of(10, 10), limits);
    expect((await rig.another().bag()).waitingCount).toBe(10);
    await expect(rig.push(of(20, 1), limits)).rejects.toMatchObject({ kind: 'too-large' });
    rig.clock.advance(2 * DAY);
    const bytes = waitingBytes(await rig.bag());
    await rig.push(of(20, 4), { waiting: bytes });
    expect((await rig.another().bag()).waitingCount).toBe(4);
    rig.clock.advance(2 * DAY);
    // Too many at once are refused, and nothing has changed.
    await expect(rig.push(of(30, 11), limits)).rejects.toMatchObject({ kind: 'too-large' });
    expect((await rig.another().bag()).waitingCount).toBe(4);
  });

  it('for the public does not go with the private one that has waited for long', async () => {
    const rig = await new FossilRig().create();
    await rig.push([{ ...delta(source, target), isPrivate: true }]);
    rig.clock.advance(29 * DAY);
    await rig.push([delta(source, target)]);
    rig.clock.advance(2 * DAY);
    await rig.push([whole('one')]);
    await rig.push([source]);
    const found = (await rig.another().bag()).find(target.name);
    expect(found?.isPrivate).toBe(false);
  });

  it('in a circle of waiting deltas is left out, and requested as a whole', async () => {
    const rig = await new FossilRig().create();
    await rig.push([delta(source, target)]);
    await rig.push([delta(target, source)]);
    expect((await rig.bag()).wanted(10)).toEqual([source.name]);
    await rig.push([source]);
    expect((await rig.bag()).count).toBe(2);
  });
});

it('chains of 10,000 deltas are expanded step by step, and stored whole now and then', async () => {
  const rig = await new FossilRig().create();
  const chain = [whole('0')];
  const received = [...chain];
  for (let at = 1; at < 10_000; at++) {
    const last = chain.at(-1) ?? whole('');
    const text = String(at);
    const made = {
      ...whole(text, { algorithm: 'sha1' }),
      source: last.name,
      payload: Buffer.from(`${text.length}\n${text.length}:${text}0;`),
    };
    chain[0] = made;
    received.push(made);
  }
  // The source of all comes last.
  await rig.push(received.reverse());
  const bag = await rig.another().bag();
  expect(bag.count).toBe(10_000);
  expect(Buffer.from(await bag.content(chain[0]?.name ?? whole('').name)).toString()).toBe('9999');
  expect(bag.view.table.depthOf(9_999)).toBeLessThanOrEqual(200);
}, 240_000);
