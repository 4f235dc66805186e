/** Fetches from folded repositories are answered as `git upload-pack` answers them, however the answer is made. */
import { expect, it } from 'vitest';
import { likeGitRig } from '../helpers/like-git-rig.ts';

const rig = likeGitRig();

it.each([
  { seed: 11, commits: 50, stages: 4, format: 'sha1' },
  { seed: 12, commits: 90, stages: 6, format: 'sha1' },
  { seed: 13, commits: 12, stages: 3, format: 'sha1' },
  { seed: 14, commits: 40, stages: 4, format: 'sha256' },
] as const)('folded behind $stages pushes of $commits commits, $format, seed $seed', async (shape) => {
  const folded = await rig.host(shape, async (stage, id) => {
    if (stage === shape.stages - 1) await rig.app.fold(id);
  });
  await rig.compare(folded, { random: 80, clones: 20 }, true);
});

it.each([
  { seed: 21, commits: 60, stages: 5, calm: 2, format: 'sha1' },
  { seed: 22, commits: 60, stages: 4, calm: 1, format: 'sha1' },
  { seed: 23, commits: 40, stages: 8, calm: 5, format: 'sha1' },
  { seed: 24, commits: 40, stages: 4, calm: 2, format: 'sha256' },
  { seed: 25, commits: 70, stages: 6, calm: 0, format: 'sha1' },
] as const)('pushed to behind the fold, $calm times without a loss, $format, seed $seed', async (shape) => {
  const hosted = await rig.host(shape, async (stage, id) => {
    if (stage === shape.stages - Math.max(shape.calm, 2) - 1 || stage === 0) await rig.app.fold(id);
  });
  await rig.compare(hosted, { random: 64, clones: 16 }, true);
});

it('in 800 cases', () => {
  expect(rig.cases).toBe(800);
});
