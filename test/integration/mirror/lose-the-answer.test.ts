/** Deletions and other changes without a pack, whose answer is lost on the way. */
import { expect, it } from 'vitest';
import { sync } from '../../../src/mirror/mirror.ts';
import { type LimitingFront, startLimitingFront } from '../../helpers/limiting-front.ts';
import { type MirrorRig, mirrorRig, refsIn } from '../../helpers/mirror-rig.ts';

/** A target with a branch that the source does not have, behind a front. */
async function withStaleBranch(rig: MirrorRig): Promise<LimitingFront> {
  await rig.author.commit('One', { file: '1\n' });
  await rig.author.run(['push', '--quiet', 'origin', 'main']);
  await rig.author.run(['push', '--quiet', rig.target.folder, 'main', 'main:refs/heads/stale']);
  return startLimitingFront(rig.host.url, { limit: Number.POSITIVE_INFINITY, style: 'cut' });
}

function pruned(rig: MirrorRig, front: LimitingFront) {
  return sync({
    source: { address: rig.sourceUrl },
    target: { address: `${front.url}/target.git` },
    scratchFolder: rig.folder,
    prune: true,
  });
}

it('a deletion whose answer is lost was made', async () => {
  await using rig = await mirrorRig();
  await using front = await withStaleBranch(rig);
  front.rules.onAnswered = () => true;
  const result = await pruned(rig, front);
  expect(result).toMatchObject({ outcome: 'ok', problem: undefined, packs: 0 });
  expect(result.refs).toMatchObject([
    { target: 'refs/heads/main', action: 'skip' },
    { target: 'refs/heads/stale', action: 'delete', strategy: 'refs', result: { outcome: 'applied' } },
  ]);
  expect(await refsIn(rig.target)).toBe(await refsIn(rig.source));
});

it('a deletion that does not reach the target is tried once more', async () => {
  await using rig = await mirrorRig();
  await using front = await withStaleBranch(rig);
  let cuts = 1;
  front.rules.onPushed = () => cuts-- > 0;
  expect(await pruned(rig, front)).toMatchObject({ outcome: 'ok', problem: undefined, packs: 0 });
  expect(await refsIn(rig.target)).toBe(await refsIn(rig.source));
});

it('a target that breaks off every deletion ends the run, and the error says so', async () => {
  await using rig = await mirrorRig();
  await using front = await withStaleBranch(rig);
  front.rules.onPushed = () => true;
  expect(await pruned(rig, front)).toMatchObject({
    outcome: 'transport',
    problem: expect.stringMatching(/^the connection to \S+ broke off/),
    packs: 0,
  });
  expect(await refsIn(rig.target, 'refs/heads/stale')).not.toBe('');
});
