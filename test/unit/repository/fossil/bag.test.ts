import { describe, expect, it } from 'vitest';
import { inflatePayload } from '../../../../src/fossil/compression.ts';
import {
  checkIn,
  clusterOf,
  compressed,
  delta,
  FossilRig,
  lines,
  namesOf,
  whole,
} from '../../../helpers/fossil-rig.ts';

describe('a bag', () => {
  it('shows pushed artifacts, on this server and on one that has just started', async () => {
    const rig = await new FossilRig().create();
    const artifacts = [whole('one'), whole('two', { algorithm: 'sha1' }), compressed(whole(lines(0, 100)))];
    const { added } = await rig.push(artifacts);
    expect([...added].sort()).toEqual(artifacts.map(({ name }) => name).sort());
    for (const server of [rig, rig.another()]) {
      const bag = await server.bag();
      expect(namesOf(bag)).toEqual(artifacts.map(({ name }) => name).sort());
      expect(bag.state.artifacts).toBe(3);
      for (const [ordinal, { name, payload }] of artifacts.entries()) {
        const entry = bag.at(ordinal);
        expect(bag.find(name)).toEqual(entry);
        const content = await bag.content(name);
        expect(content.length).toBe(entry.size);
        expect(Buffer.from(inflatePayload(await bag.stored(entry), 1 << 20))).toEqual(Buffer.from(content));
        if (ordinal < 2) expect(Buffer.from(content)).toEqual(Buffer.from(payload));
      }
    }
  });

  it('is the same whether the first pack becomes the table as it is, or record by record', async () => {
    const rig = await new FossilRig().create();
    const files = Array.from({ length: 30 }, (_, at) => whole(lines(at, 20)));
    const first = checkIn('first');
    const second = checkIn('second', [first]);
    const missing = whole('not here');
    const names = [...files.slice(0, 9), first].map(({ name }) => name);
    const cluster = clusterOf([...names, missing.name]);
    const [source = missing] = files;
    const young = whole(`${lines(0, 20)}more\n`, { algorithm: 'sha1' });
    await rig.push([first, second, cluster, ...files, delta(source, young)]);
    const published = await rig.repository.resolve();
    if (published === undefined) throw new Error('there is no repository');
    // A shunned name that is not here has the first slot, so nothing can be taken over as it is.
    const shunned = [whole('shunned').name];
    const views = await Promise.all(
      [published.manifest, { ...published.manifest, shunned }].map((manifest, at) =>
        rig.another(3 + at).repository.bagOf({ digest: published.digest, manifest }),
      ),
    );
    const [asItIs, byRecord] = views.map((bag) => ({
      entries: Array.from({ length: bag.count }, (_, at) => bag.at(at)),
      unclustered: [...bag.unclustered()],
      clusters: [...bag.clusters()],
      leaves: [...bag.heads()],
      wanted: bag.wanted(10),
      counts: [bag.count, bag.publicCount, bag.unclusteredCount, bag.view.missingMembers],
      places: Array.from({ length: bag.count }, (_, at) => {
        const { table } = bag.view;
        const slot = table.slotAt(at);
        return [table.packOf(slot), table.offsetOf(slot), table.lengthOf(slot), table.depthOf(slot)];
      }),
    }));
    expect(asItIs).toEqual(byRecord);
    expect(asItIs?.leaves.map(({ name }) => name)).toEqual([second.name]);
    expect(asItIs?.wanted).toEqual([missing.name]);
    expect(asItIs?.entries.find(({ name }) => name === young.name)?.source).toBe(source.name);
  });

  it('expands deltas of deltas', async () => {
    const rig = await new FossilRig().create();
    const [one, two, three] = [whole(lines(0, 200)), whole(lines(1, 200)), whole(lines(2, 200))];
    await rig.push([one]);
    await rig.push([delta(two, three), delta(one, two)]);
    const bag = await rig.another().bag();
    expect(bag.find(three.name)).toMatchObject({ source: two.name, size: three.payload.length });
    expect(Buffer.from(await bag.content(three.name)).toString()).toBe(lines(2, 200));
  });

  it('returns runs of payloads, at least one at a time', async () => {
    const rig = await new FossilRig().create();
    const artifacts = Array.from({ length: 50 }, (_, at) => whole(lines(at, 10 + at)));
    await rig.push(artifacts.slice(0, 30));
    await rig.push(artifacts.slice(30));
    const bag = await rig.bag();
    for (const size of [1, 1_000, 1 << 20]) {
      const seen = [];
      let pages = 0;
      for (let from = 0; from < bag.count; pages++) {
        const { artifacts: page, next } = await bag.storedRun(from, size);
        expect(page.length).toBeGreaterThan(0);
        expect(next).toBeGreaterThan(from);
        for (const { entry, payload } of page)
          seen.push([entry.name, Buffer.from(inflatePayload(payload, 1 << 20))]);
        from = next;
      }
      expect(seen).toEqual(artifacts.map(({ name, payload }) => [name, Buffer.from(payload)]));
      if (size === 1) expect(pages).toBe(50);
    }
  });

  it('lists unclustered and missing artifacts', async () => {
    const rig = await new FossilRig().create();
    const [one, two, missing] = [whole('one'), whole('two'), whole('missing')];
    const cluster = clusterOf([one.name, missing.name]);
    await rig.push([one, two, cluster]);
    for (const bag of [await rig.bag(), await rig.another().bag()]) {
      expect([...bag.unclustered()].map(({ name }) => name)).toEqual([two.name, cluster.name]);
      expect(bag.unclusteredCount).toBe(2);
      expect([...bag.clusters()].map(({ name }) => name)).toEqual([cluster.name]);
      expect(bag.wanted(10)).toEqual([missing.name]);
    }
    await rig.push([missing]);
    const bag = await rig.bag();
    expect(bag.wanted(10)).toEqual([]);
    expect(bag.unclusteredCount).toBe(2);
  });

  it('lists the heads, and knows the leaves', async () => {
    const rig = await new FossilRig().create();
    const root = checkIn('root');
    const child = checkIn('child', [root]);
    // The child comes first.
    await rig.push([child]);
    expect((await rig.bag()).isLeaf(child.name)).toBe(true);
    await rig.push([root]);
    for (const bag of [await rig.bag(), await rig.another().bag()]) {
      expect([...bag.heads()].map(({ name }) => name)).toEqual([child.name]);
      expect(bag.isLeaf(root.name)).toBe(false);
      expect(bag.find(root.name)).toMatchObject({ isCheckIn: true });
    }
  });

  it('publishes nothing if nothing is new', async () => {
    const rig = await new FossilRig().create();
    await rig.push([whole('one')]);
    const before = await rig.bag();
    rig.store.reset();
    const { added, committed } = await rig.push([whole('one')]);
    expect([added, committed]).toEqual([[], undefined]);
    expect((await rig.bag()).digest).toBe(before.digest);
    expect(rig.store.writes()).toBe(0);
  });
});
