import { describe, expect, it } from 'vitest';
import { inflatePayload } from '../../../../src/fossil/compression.ts';
import type { Bag } from '../../../../src/repository/fossil/bag.ts';
import { ChangeShun, type ShunRequest } from '../../../../src/repository/fossil/change-shun.ts';
import { prepareArtifacts } from '../../../../src/repository/fossil/intake.ts';
import { publishArtifacts } from '../../../../src/repository/fossil/publish-artifacts.ts';
import { verifyBag } from '../../../../src/repository/fossil/verify-bag.ts';
import {
  checkIn,
  clusterOf,
  delta,
  FossilRig,
  lines,
  namesOf,
  PUSHED,
  whole,
} from '../../../helpers/fossil-rig.ts';

const [one, two, three] = [whole(lines(0, 200)), whole(lines(1, 200)), whole(lines(2, 200))];
const asPrivate = { isPrivate: true };

async function shun(rig: FossilRig, request: ShunRequest): Promise<Bag> {
  const { repository } = rig;
  await repository.publisher.join(new ChangeShun(repository, request, repository.mark()));
  return rig.bag();
}

/** Names that everybody gets when cloning, with whether each payload makes its content without anything that does not travel. */
async function cloned(bag: Bag) {
  const { artifacts } = await bag.storedRun(0, Number.MAX_SAFE_INTEGER);
  return artifacts.map(({ entry }) => entry.name);
}

describe('a private artifact', () => {
  it('is marked private, in no run unless requested, and not counted', async () => {
    const rig = await new FossilRig().create();
    await rig.push([one, { ...two, ...asPrivate }]);
    for (const bag of [await rig.bag(), await rig.another().bag()]) {
      expect(bag.find(two.name)).toMatchObject({ isPrivate: true });
      expect([bag.count, bag.publicCount, bag.state.artifacts]).toEqual([2, 1, 1]);
      expect(await cloned(bag)).toEqual([one.name]);
      expect((await bag.storedRun(0, 1 << 20, { privateArtifacts: true })).artifacts.length).toBe(2);
      expect([...bag.unclustered()].map(({ name }) => name)).toEqual([one.name]);
      expect(bag.state.packs.length).toBe(1);
    }
    const published = await rig.repository.resolve();
    expect(published?.manifest.causes).toMatchObject([{ kind: 'push', artifacts: 1 }]);
  });

  it('becomes public if it comes as public, and never private again', async () => {
    const rig = await new FossilRig().create();
    await rig.push([{ ...one, ...asPrivate }]);
    const before = await rig.bag();
    const { added } = await rig.push([one]);
    expect(added).toEqual([one.name]);
    await rig.push([
      { ...one, ...asPrivate },
      { ...two, ...asPrivate },
    ]);
    for (const bag of [await rig.bag(), await rig.another().bag()]) {
      expect([bag.count, bag.publicCount, bag.state.artifacts]).toEqual([2, 1, 1]);
      expect(bag.find(one.name)).toMatchObject({ isPrivate: false, ordinal: 0 });
      expect(await verifyBag(bag)).toEqual([]);
    }
    // Whoever reads the state before still sees what was there.
    expect(before.find(one.name)).toMatchObject({ isPrivate: true });
    expect(await verifyBag(before)).toEqual([]);
  });

  it('is public if one request brings it as both', async () => {
    const rig = await new FossilRig().create();
    await rig.push([{ ...one, ...asPrivate }, one]);
    await rig.push([two, { ...two, ...asPrivate }]);
    expect((await rig.another().bag()).publicCount).toBe(2);
  });

  it('is never the source of a public one, whether it came before or comes later', async () => {
    const rig = await new FossilRig().create();
    await rig.push([{ ...one, ...asPrivate }]);
    await rig.push([delta(one, two)]);
    await rig.push([delta(three, whole('waits'))]);
    await rig.push([{ ...three, ...asPrivate }]);
    const bag = await rig.another().bag();
    for (const name of await cloned(bag)) expect(bag.find(name)?.source).toBeUndefined();
    expect((await cloned(bag)).length).toBe(2);
    expect(await verifyBag(bag)).toEqual([]);
  });

  it('may be a delta of a public or a private one', async () => {
    const rig = await new FossilRig().create();
    await rig.push([one, { ...delta(one, two), ...asPrivate }, { ...delta(two, three), ...asPrivate }]);
    const bag = await rig.bag();
    expect(bag.find(two.name)).toMatchObject({ source: one.name, isPrivate: true });
    expect(bag.find(three.name)).toMatchObject({ source: two.name, isPrivate: true });
    expect(await cloned(bag)).toEqual([one.name]);
  });

  it('that is a cluster hides nothing', async () => {
    const rig = await new FossilRig().create();
    const cluster = clusterOf([one.name, whole('absent').name], true);
    await rig.push([one, cluster]);
    const bag = await rig.bag();
    expect([...bag.unclustered()].map(({ name }) => name)).toEqual([one.name]);
    expect(bag.wanted(10)).toEqual([]);
    await rig.push([{ ...cluster, isPrivate: false }]);
    for (const later of [await rig.bag(), await rig.another().bag()]) {
      expect([...later.unclustered()].map(({ name }) => name)).toEqual([cluster.name]);
      expect(later.wanted(10)).toEqual([whole('absent').name]);
    }
  });
});

describe('a shunned artifact', () => {
  it('is in no view, and does not come back', async () => {
    const rig = await new FossilRig().create();
    const cluster = clusterOf([one.name, two.name]);
    const child = checkIn('child', [checkIn('root')]);
    await rig.push([one, two, cluster, checkIn('root'), child]);
    const bag = await shun(rig, { shun: [one.name, cluster.name, child.name] });
    expect(bag.state.artifacts).toBe(2);
    const pushed = await rig.push([one, cluster]);
    expect(pushed.added).toEqual([]);
    for (const each of [bag, await rig.another().bag()]) {
      expect(namesOf(each)).toEqual([two.name, checkIn('root').name].sort());
      expect(each.find(one.name)).toBeUndefined();
      expect(each.isShunned(one.name)).toBe(true);
      expect(await cloned(each)).toEqual([two.name, checkIn('root').name]);
      // The cluster names nothing any more, and the check-in is nobody's child.
      expect(each.unclusteredCount).toBe(2);
      expect(each.isLeaf(checkIn('root').name)).toBe(true);
      await expect(each.content(one.name)).rejects.toMatchObject({ kind: 'not-found' });
      expect(await verifyBag(each)).toEqual([]);
    }
  });

  it('does not affect artifacts that are deltas of it: they are sent as a whole', async () => {
    const rig = await new FossilRig().create();
    await rig.push([one, delta(one, two), delta(two, three)]);
    const bag = await shun(rig, { shun: [one.name] });
    const { artifacts } = await bag.storedRun(0, 1 << 20);
    expect(artifacts.map(({ entry }) => [entry.name, entry.source])).toEqual([
      [two.name, undefined],
      [three.name, two.name],
    ]);
    const [first] = artifacts;
    expect(Buffer.from(inflatePayload(first?.payload ?? new Uint8Array(), 1 << 20)).toString()).toBe(
      lines(1, 200),
    );
    // What comes later as a delta of it is stored whole.
    await rig.push([delta(one, whole(lines(9, 200)))]);
    expect((await rig.bag()).find(whole(lines(9, 200)).name)?.source).toBeUndefined();
    expect(await verifyBag(await rig.another().bag())).toEqual([]);
  });

  it('that is pushed while it is being shunned stays hidden, in either order', async () => {
    const rig = await new FossilRig().create();
    await rig.push([two]);
    const other = rig.another();
    const prepared = await prepareArtifacts(await other.bag(), [one, delta(one, three)]);
    await shun(rig, { shun: [one.name] });
    const { added, bag } = await publishArtifacts(other.repository, prepared, PUSHED);
    expect(added).toEqual([three.name]);
    expect(namesOf(bag)).toEqual([two.name, three.name].sort());
    expect(bag.find(three.name)?.source).toBeUndefined();
    expect(await verifyBag(await rig.another(3).bag())).toEqual([]);
  });

  it('is shown again after it is unshunned', async () => {
    const rig = await new FossilRig().create();
    await rig.push([one, two]);
    await shun(rig, { shun: [one.name] });
    const bag = await shun(rig, { unshun: [one.name] });
    expect(namesOf(bag)).toEqual([one.name, two.name].sort());
    expect([bag.state.artifacts, bag.state.shunned]).toEqual([2, []]);
  });

  it('is not requested, even if a cluster names it', async () => {
    const rig = await new FossilRig().create();
    await rig.push([clusterOf([one.name, two.name])]);
    const bag = await shun(rig, { shun: [one.name] });
    expect(bag.wanted(10)).toEqual([two.name]);
  });
});
