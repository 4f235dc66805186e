import { expect, it } from 'vitest';
import { writeCards } from '../../../../src/fossil/write-cards.ts';
import { ProjectPasswords } from '../../../../src/fossil-sync/login/project-passwords.ts';
import { admitSender } from '../../../../src/http/fossil/admit-sender.ts';
import type { AccessMode } from '../../../../src/policy/push-entry.ts';
import { FOSSIL_ID, FossilRig, whole } from '../../../helpers/fossil-rig.ts';

const THEIRS = 'd'.repeat(40);
const MESSAGE = writeCards([{ card: 'push', serverCode: '5'.repeat(40), projectCode: THEIRS }]);

/** Sends the beginning of a push without a login. @returns the project code that it is told */
async function pushedTo(rig: FossilRig, access: AccessMode): Promise<string | undefined> {
  const context = {
    repositories: { get: () => rig.repository },
    gitRepositories: { get: () => ({ resolve: async () => undefined }) },
    passwords: new ProjectPasswords('1'.repeat(64)),
    access,
    base: 'https://git.example.org',
    clock: rig.clock,
  };
  const admission = await admitSender(context, FOSSIL_ID, { login: undefined, message: MESSAGE }, undefined);
  return admission?.projectCode;
}

it('an empty repository takes the project code of its first push, also with open access', async () => {
  const rig = await new FossilRig().create();
  expect(await pushedTo(rig, 'signed')).not.toBe(THEIRS);
  expect(await pushedTo(rig, 'open')).toBe(THEIRS);
  expect((await rig.repository.resolve())?.manifest).toMatchObject({
    projectCode: THEIRS,
    causes: [{ kind: 'configure', actor: null }],
  });
});

it('a repository with artifacts keeps its project code', async () => {
  const rig = await new FossilRig().create();
  await rig.push([whole('something')]);
  expect(await pushedTo(rig, 'open')).not.toBe(THEIRS);
});
