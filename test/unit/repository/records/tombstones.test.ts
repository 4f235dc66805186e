import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../../../src/lib/canonical-json.ts';
import { sha256 } from '../../../../src/lib/digest.ts';
import { readAll } from '../../../../src/lib/streams.ts';
import { artifactFileName, tombstonesKey } from '../../../../src/repository/keys.ts';
import { rescueFromTombstones, type Tombstones } from '../../../../src/repository/records/tombstones.ts';
import { ID, RepositoryRig } from '../../../helpers/repository-rig.ts';
import { isPut } from '../../../helpers/store-calls.ts';

const NAME = artifactFileName({ digest: sha256('a'), kind: 'pack' });
const OTHER = artifactFileName({ digest: sha256('b'), kind: 'pack' });
const watched = { since: 10, condemned: false };
const condemned = { since: 10, condemned: true };

async function rigWith(artifacts: Tombstones['artifacts']): Promise<RepositoryRig> {
  const rig = new RepositoryRig();
  await write(rig, { version: 1, revision: 4, artifacts });
  rig.store.reset();
  return rig;
}

async function write(rig: RepositoryRig, tombstones: Tombstones): Promise<void> {
  const body = Buffer.from(canonicalJson(tombstones));
  await rig.store.put(tombstonesKey(ID), body, { mode: 'overwrite' });
}

async function read(rig: RepositoryRig): Promise<Tombstones> {
  const found = await rig.store.get(tombstonesKey(ID));
  if (!found.found) throw new Error('no tombstones');
  return JSON.parse((await readAll(found.body, 10_000)).toString()) as Tombstones;
}

describe('rescuing an artifact', () => {
  it('is safe if nothing was ever watched', async () => {
    const rig = new RepositoryRig();
    expect(await rescueFromTombstones(rig.store, ID, NAME)).toBe('safe');
    expect(rig.store.writes()).toBe(0);
  });

  it('is safe, without a write, if it is not on the list', async () => {
    const rig = await rigWith({ [OTHER]: watched });
    expect(await rescueFromTombstones(rig.store, ID, NAME)).toBe('safe');
    expect(rig.store.writes()).toBe(0);
  });

  it('takes it off the list if it is only watched, and leaves the rest', async () => {
    const rig = await rigWith({ [NAME]: watched, [OTHER]: condemned });
    expect(await rescueFromTombstones(rig.store, ID, NAME)).toBe('safe');
    expect(await read(rig)).toEqual({ version: 1, revision: 5, artifacts: { [OTHER]: condemned } });
  });

  it('is too late if it is condemned', async () => {
    const rig = await rigWith({ [NAME]: condemned });
    expect(await rescueFromTombstones(rig.store, ID, NAME)).toBe('condemned');
    expect(rig.store.writes()).toBe(0);
  });

  it.each([
    'lose-reply-applied',
    'lose-reply-not-applied',
    'conflict',
    'refuse-after-applying',
    'throttle',
  ] as const)('finds out the result of its write after "%s"', async (does) => {
    const rig = await rigWith({ [NAME]: watched });
    rig.store.next(isPut, { does });
    expect(await rescueFromTombstones(rig.store, ID, NAME)).toBe('safe');
    expect((await read(rig)).artifacts).toEqual({});
  });

  it('loses to a collector that condemns it first', async () => {
    const rig = await rigWith({ [NAME]: watched });
    rig.store.next(isPut, {
      does: 'run',
      before: () => write(rig, { version: 1, revision: 5, artifacts: { [NAME]: condemned } }),
    });
    expect(await rescueFromTombstones(rig.store, ID, NAME)).toBe('condemned');
  });

  it('writes no body twice, so that no late write of an older body can match', async () => {
    const rig = await rigWith({ [NAME]: watched });
    const bodies = new Set([JSON.stringify(await read(rig))]);
    for (let round = 1; round <= 3; round++) {
      await rescueFromTombstones(rig.store, ID, NAME);
      const left = await read(rig);
      bodies.add(JSON.stringify(left));
      await write(rig, { ...left, revision: left.revision + 1, artifacts: { [NAME]: watched } });
    }
    expect(bodies.size).toBe(4);
  });

  it('gives up if the list changes again and again', async () => {
    const rig = await rigWith({ [NAME]: watched });
    rig.store.rules.push((call) => (isPut(call) ? { does: 'conflict' } : undefined));
    await expect(rescueFromTombstones(rig.store, ID, NAME)).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringContaining('keep being changed by others'),
    });
  });

  it('blames nobody else when the store does not answer', async () => {
    const rig = await rigWith({ [NAME]: watched });
    rig.store.rules.push((call) => (isPut(call) ? { does: 'throttle' } : undefined));
    await expect(rescueFromTombstones(rig.store, ID, NAME)).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringMatching(/^the object store did not accept a list of artifacts: /),
    });
  });

  it.each([
    '',
    '{}',
    '{"version":2,"revision":0,"artifacts":{}}',
    '{"version":1,"revision":0,"artifacts":{"a":1}}',
  ])('refuses an unreadable list: %j', async (body) => {
    const rig = new RepositoryRig();
    await rig.store.put(tombstonesKey(ID), Buffer.from(body), { mode: 'create' });
    await expect(rescueFromTombstones(rig.store, ID, NAME)).rejects.toMatchObject({
      kind: 'corrupt',
      message: expect.stringContaining(tombstonesKey(ID)),
    });
  });
});
