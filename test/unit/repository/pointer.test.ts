import { describe, expect, it } from 'vitest';
import { sha256 } from '../../../src/lib/digest.ts';
import { pointerKey } from '../../../src/repository/keys.ts';
import { readPointer } from '../../../src/repository/pointer.ts';
import { ID, RepositoryRig } from '../../helpers/repository-rig.ts';

const digest = sha256('a manifest');

async function rigWith(body: string): Promise<RepositoryRig> {
  const rig = new RepositoryRig();
  await rig.store.put(pointerKey(ID), Buffer.from(body), { mode: 'create' });
  return rig;
}

describe('reading a pointer', () => {
  it('distinguishes absent, found and unchanged', async () => {
    expect(await readPointer(new RepositoryRig().store, ID)).toEqual({ is: 'absent' });
    const rig = await rigWith(digest);
    const found = await readPointer(rig.store, ID);
    expect(found).toEqual({ is: 'found', digest, version: expect.any(String) });
    if (found.is !== 'found') return;
    expect(await readPointer(rig.store, ID, found.version)).toEqual({ is: 'unchanged' });
    expect(await readPointer(rig.store, ID, 'an older one')).toEqual(found);
  });

  it.each(['', digest.slice(1), `${digest}\n`, digest.toUpperCase(), 'x'.repeat(5_000)])(
    'refuses a body that is not a digest: %j',
    async (body) => {
      const rig = await rigWith(body);
      await expect(readPointer(rig.store, ID)).rejects.toMatchObject({
        kind: 'corrupt',
        message: expect.stringContaining(pointerKey(ID)),
      });
    },
  );

  it.each(['unavailable', 'break-body'] as const)(
    'reports a store that does not answer (%s) as unavailable',
    async (does) => {
      const rig = await rigWith(digest);
      rig.store.next(() => true, { does });
      await expect(readPointer(rig.store, ID)).rejects.toMatchObject({ kind: 'unavailable' });
      expect(await readPointer(rig.store, ID)).toMatchObject({ is: 'found' });
    },
  );
});
