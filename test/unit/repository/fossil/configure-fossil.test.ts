import { describe, expect, it } from 'vitest';
import {
  AdoptProject,
  RevokeKeyPasswords,
  SetPasswordSeries,
} from '../../../../src/repository/fossil/configure-fossil.ts';
import { derivedProjectCode } from '../../../../src/repository/fossil/create-fossil.ts';
import { FOSSIL_ID, FossilRig } from '../../../helpers/fossil-rig.ts';

const ACTOR = 'b'.repeat(64);
const CODE = 'c'.repeat(40);

async function adopt(rig: FossilRig, code: string) {
  const { repository } = rig;
  await repository.publisher.join(new AdoptProject(code, ACTOR, repository.mark()));
  return (await repository.resolve())?.manifest;
}

describe('the project code of a repository', () => {
  it('is derived from its name at first, and is that of the first push later', async () => {
    const rig = await new FossilRig().create();
    expect((await rig.repository.resolve())?.manifest.projectCode).toBe(derivedProjectCode(FOSSIL_ID));
    const adopted = await adopt(rig, CODE);
    expect(adopted).toMatchObject({ projectCode: CODE, depth: 1 });
    expect(adopted?.causes).toEqual([
      { kind: 'configure', actor: ACTOR, evidence: null, artifacts: 0, unversioned: 0 },
    ]);
    // Said again, it publishes nothing.
    expect(await adopt(rig, CODE)).toMatchObject({ projectCode: CODE, depth: 1 });
  });
});

describe('the series of passwords', () => {
  it('only increases', async () => {
    const { repository } = await new FossilRig().create();
    for (const [wanted, series] of [
      [1, 1],
      [1, 1],
      [3, 3],
      [2, 3],
    ] as const) {
      await repository.publisher.join(new SetPasswordSeries(wanted, ACTOR, repository.mark()));
      expect((await repository.resolve())?.manifest.passwordSeries).toBe(series);
    }
  });

  it('of one key increases alone, is kept in the manifest, and is limited to 1,000 keys', async () => {
    const rig = await new FossilRig().create();
    const { repository } = rig;
    for (const series of [1, 2, 1]) {
      await repository.publisher.join(new RevokeKeyPasswords(ACTOR, series, ACTOR, repository.mark()));
    }
    const manifest = (await rig.another().repository.resolve())?.manifest;
    expect(manifest).toMatchObject({ passwordSeries: 0, keySeries: { [ACTOR]: 2 } });
    if (manifest === undefined) throw new Error('there is no repository');
    const keys = Array.from({ length: 1_000 }, (_, at) => String(at).padStart(64, '0'));
    const full = { ...manifest, keySeries: Object.fromEntries(keys.map((key) => [key, 1])) };
    const revoke = (key: string) => new RevokeKeyPasswords(key, 9, ACTOR, 0).evaluate(full);
    await expect(revoke(ACTOR)).rejects.toThrow('revoke all passwords instead');
    expect((await revoke(String(7).padStart(64, '0'))).next?.keySeries).toMatchObject({ [keys[7] ?? '']: 9 });
  });

  it('of a missing repository cannot be changed', async () => {
    const { repository } = new FossilRig();
    await repository.publisher.join(new SetPasswordSeries(1, ACTOR, repository.mark()));
    expect(await repository.resolve()).toBeUndefined();
  });
});
