import { describe, expect, it } from 'vitest';
import { pointerKey, tombstonesKey } from '../../../src/repository/keys.ts';
import { repositoryId } from '../../../src/repository/repository-id.ts';
import { manifestOf, RepositoryRig } from '../../helpers/repository-rig.ts';

const ALICE = 'a'.repeat(64);
const BOB = 'b'.repeat(64);

async function bucket(): Promise<RepositoryRig> {
  const rig = new RepositoryRig();
  for (const [owner, identifier] of [
    [ALICE, 'one'],
    [ALICE, 'two'],
    [BOB, 'one'],
  ] as const) {
    const id = repositoryId(owner, identifier);
    const first = await rig.publish(manifestOf({ identifier }), undefined, id);
    for (let index = 0; index < 5; index++) {
      await rig.artifacts.put(id, 'pack', String(index).repeat(64), Buffer.from('pack'));
    }
    await rig.store.put(tombstonesKey(id), Buffer.from('{}'), { mode: 'create' });
    expect(first.manifest.identifier).toBe(identifier);
  }
  await rig.store.put('v1/owners/x', Buffer.from('x'), { mode: 'create' });
  return rig;
}

async function names(rig: RepositoryRig, owner?: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { id } of rig.repositories.list(owner)) found.push(`${id.owner[0]}/${id.identifier}`);
  return found.sort();
}

describe('the repositories of a bucket', () => {
  it('are listed, all of them or those of one owner', async () => {
    const rig = await bucket();
    expect(await names(rig)).toEqual(['a/one', 'a/two', 'b/one']);
    expect(await names(rig, ALICE)).toEqual(['a/one', 'a/two']);
    expect(await names(rig, 'c'.repeat(64))).toEqual([]);
  });

  it('are listed without listing their artifacts', async () => {
    const rig = await bucket();
    rig.store.reset();
    await names(rig);
    expect(rig.store.count('list')).toBe(1 + 3);
  });

  it('have one object each while they are in use', async () => {
    const rig = await bucket();
    const id = repositoryId(ALICE, 'one');
    expect(rig.repositories.get(id)).toBe(rig.repositories.get(repositoryId(ALICE, 'one')));
    expect(String(rig.repositories.get(id))).toBe(`${ALICE}/one`);
  });

  it('include a damaged pointer by name', async () => {
    const rig = await bucket();
    const id = repositoryId(BOB, 'one');
    await rig.store.put(pointerKey(id), Buffer.from('nonsense'), { mode: 'overwrite' });
    await expect(names(rig)).rejects.toMatchObject({
      kind: 'corrupt',
      message: expect.stringContaining(pointerKey(id)),
    });
  });
});
