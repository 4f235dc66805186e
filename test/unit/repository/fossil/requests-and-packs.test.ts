import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isStoredPayload } from '../../../../src/fossil/compression.ts';
import { CreateFossil, newFossilState } from '../../../../src/repository/fossil/create-fossil.ts';
import { prepareArtifacts } from '../../../../src/repository/fossil/intake.ts';
import { COMPRESSED_BEFORE_FOLDS } from '../../../../src/repository/fossil/intake-limits.ts';
import { publishArtifacts } from '../../../../src/repository/fossil/publish-artifacts.ts';
import { pointerKey } from '../../../../src/repository/keys.ts';
import { type RepositoryId, repositoryId } from '../../../../src/repository/repository-id.ts';
import {
  checkIn,
  clusterOf,
  delta,
  FOSSIL_ID,
  FossilRig,
  lines,
  PUSHED,
  whole,
} from '../../../helpers/fossil-rig.ts';
import { tempDir } from '../../../helpers/temp-dir.ts';

describe('a large push', () => {
  it('is compressed when it comes, unless a fold is expected to do it', async () => {
    const artifacts = Array.from({ length: 60 }, (_, at) => whole(lines(10 * at, 20)));
    for (const [limits, isStored] of [
      [{}, false],
      [{ compressed: COMPRESSED_BEFORE_FOLDS }, true],
      [{ compressed: 60 }, false],
    ] as const) {
      const rig = await new FossilRig().create();
      await rig.push(artifacts, limits);
      const bag = await rig.bag();
      const { artifacts: stored } = await bag.storedRun(0, 1 << 30);
      expect(stored.map(({ payload }) => isStoredPayload(payload))).toEqual(artifacts.map(() => isStored));
    }
  });
});

describe('requests to the store', () => {
  it('are one conditional read for a round with nothing new, and also pack, manifest and pointer for a push', async () => {
    const rig = await new FossilRig().create();
    const [one, two, three] = [whole(lines(0, 100)), whole(lines(1, 100)), whole(lines(2, 100))];
    await rig.push([one]);
    rig.store.reset();
    await (await rig.bag()).content(one.name);
    expect(rig.store.log).toMatchObject([
      { operation: 'get', outcome: 'not-modified', key: pointerKey(FOSSIL_ID) },
    ]);

    rig.store.reset();
    await rig.push([delta(one, two), delta(two, three), checkIn('a check-in')]);
    expect(
      rig.store.log.map(({ operation, key }) => `${operation} ${key.split('.')[1] ?? 'pointer'}`).sort(),
    ).toEqual(['get pointer', 'put bag', 'put json', 'put pointer']);
  });

  it('after a start are the pointer, the manifest, and the index of each pack', async () => {
    const rig = await new FossilRig().create();
    for (let at = 0; at < 3; at++) await rig.push([whole(`text ${at}`)]);
    rig.store.reset();
    await rig.another().bag();
    expect(rig.store.count('get')).toBe(5);
    expect(rig.store.count()).toBe(5);
  });
});

describe('packs in the cache on disk', () => {
  const DESCRIPTORS = '/proc/self/fd';

  /** Files below a folder that this process has open. */
  function openBelow(folder: string): string[] {
    return readdirSync(DESCRIPTORS).flatMap((number) => {
      try {
        const path = readlinkSync(join(DESCRIPTORS, number));
        return path.startsWith(folder) ? [path] : [];
      } catch {
        // The listing itself was open.
        return [];
      }
    });
  }

  it('are closed once they have been read: contents through chains of deltas, payloads, intakes', async ({
    skip,
  }) => {
    skip(!existsSync(DESCRIPTORS), 'open files are listed below /proc');
    await using folder = await tempDir('cairn-bag-files');
    const rig = await new FossilRig({
      folder: folder.path,
      memory: { bags: 1 << 20, packs: 0, contents: 0 },
    }).create();
    const versions = [0, 1, 2].map((at) => whole(`${at}${lines(0, 50)}`));
    const [first = whole(''), second = whole(''), third = whole('')] = versions;
    // Larger than what is kept in memory.
    await rig.push([first, delta(first, second), delta(second, third), whole(randomBytes(2 << 20))]);
    const bag = await rig.another().bag();
    expect(await bag.content(third.name)).toEqual(third.payload);
    const entry = bag.find(second.name);
    if (entry !== undefined) await bag.stored(entry);
    await rig.push([delta(third, whole(`3${lines(0, 50)}`)), delta(second, whole(`4${lines(0, 50)}`))]);
    expect(openBelow(folder.path)).toEqual([]);
  });
});

describe('derived tables', () => {
  it('of 45 successive pushes share one table, at some 100 bytes per artifact', async () => {
    const rig = await new FossilRig().create();
    let { view } = await rig.bag();
    for (let round = 0; round < 45; round++) {
      const artifacts = Array.from({ length: 100 }, (_, at) => whole(`${round} ${at}`));
      const { bag } = await rig.push(artifacts);
      expect(bag.view.table).toBe(view.table);
      expect(bag.view.packs.length).toBe(round + 1);
      view = bag.view;
    }
    expect(view.count).toBe(4_500);
    expect(view.table.memory / view.count).toBeLessThan(200);
    expect(rig.repository.bags.memory).toBeLessThan(2 << 20);
  });

  it('stay within their bounds', async () => {
    const rig = await new FossilRig({ memory: { bags: 1, packs: 0, contents: 0 } }).create();
    await rig.push([whole(lines(0, 100)), delta(whole(lines(0, 100)), whole(lines(1, 100)))]);
    const bag = await rig.bag();
    expect(Buffer.from(await bag.content(whole(lines(1, 100)).name)).toString()).toBe(lines(1, 100));
  });
});

describe('a pack', () => {
  it('that is too large for memory is read from the cache on disk in the same way', async () => {
    await using folder = await tempDir('fossil-pack');
    const rig = await new FossilRig({ folder: join(folder.path, 'cache') }).create();
    await rig.opened.cache.open();
    const artifacts = Array.from({ length: 40 }, () => whole(randomBytes(60_000)));
    const [first] = artifacts;
    await rig.push([
      ...artifacts,
      delta(first ?? whole(''), whole(Buffer.concat([first?.payload ?? Buffer.of(), Buffer.from('more')]))),
    ]);
    const other = rig.another();
    const bag = await other.bag();
    let count = 0;
    for (let from = 0; from < bag.count; ) {
      const run = await bag.storedRun(from, 500_000);
      count += run.artifacts.length;
      from = run.next;
    }
    expect(count).toBe(41);
    for (const { name, payload } of artifacts) {
      expect(Buffer.compare(await bag.content(name), payload), name).toBe(0);
    }
    expect(other.opened.cache.bytes).toBeGreaterThan(40 * 60_000);
    await other.opened.cache.close();
    await rig.opened.cache.close();
  });

  it('that one repository lacks is read for another one at the same time', async () => {
    const content = whole(lines(0, 100));
    const rig = await new FossilRig().create();
    await rig.push([content]);
    const [key = ''] = rig.store.log.flatMap(({ key }) => (key.endsWith('.bag') ? [key] : []));
    const id = repositoryId(FOSSIL_ID.owner, 'with-an-equal-pack');
    const repository = rig.opened.fossil.get(id);
    const state = newFossilState(id, '2'.repeat(32), { projectName: 'equal' });
    await repository.publisher.join(new CreateFossil(state, repository.mark()));
    await using prepared = await prepareArtifacts(
      await repository.bagOf((await repository.resolve()) ?? expect.fail('it is missing')),
      [content],
    );
    const { bag } = await publishArtifacts(repository, prepared, PUSHED);
    const packs = (await rig.bag()).state.packs;
    expect(bag.state.packs.map(({ pack }) => pack)).toEqual(packs.map(({ pack }) => pack));

    const { opened, store } = rig.another();
    const { reader } = opened.fossil.get(id).bags.context;
    const read = async (of: RepositoryId) => {
      await using session = reader.session(of, packs);
      return (await session.read({ pack: 0, offset: 0, length: 4 })).length;
    };
    await store.delete(key);
    store.reset();
    store.latency = 5;
    const outcomes = await Promise.allSettled([read(FOSSIL_ID), read(id), read(id)]);
    expect(outcomes).toMatchObject([{ reason: { kind: 'corrupt' } }, { value: 4 }, { value: 4 }]);
    expect(store.log.filter(({ key, outcome }) => key.endsWith('.bag') && outcome === 'found').length).toBe(
      1,
    );
  });

  it.each([
    ['index', -1],
    ['payload', 10],
  ])('with a damaged %s is named, and not read as an empty one', async (part, at) => {
    const rig = await new FossilRig().create();
    await rig.push([whole(lines(0, 100)), clusterOf([whole('x').name])]);
    const [{ pack } = { pack: undefined }] = (await rig.bag()).state.packs;
    const key = rig.store.log.find(({ key }) => key.endsWith('.bag'))?.key ?? '';
    const found = await rig.store.get(key);
    if (!found.found) throw new Error('the pack is missing');
    const bytes = Buffer.concat(await found.body.toArray());
    bytes.writeUInt8((bytes.at(at) ?? 0) ^ 1, at < 0 ? bytes.length + at : at);
    await rig.store.put(key, bytes, { mode: 'overwrite' });
    const read = async () => {
      const bag = await rig.another().bag();
      await bag.content(whole(lines(0, 100)).name);
    };
    await expect(read()).rejects.toMatchObject({
      kind: 'corrupt',
      message: expect.stringContaining(pack?.digest ?? part),
    });
    await rig.store.delete(key);
    await expect(read()).rejects.toMatchObject({ kind: 'corrupt' });
  });
});
