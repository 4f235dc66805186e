/** Fetches from folded repositories are answered as `git upload-pack` answers them, however the answer is made. */
import { expect, it } from 'vitest';
import { likeGitRig } from '../helpers/like-git-rig.ts';

const rig = likeGitRig();

it.each([
  { seed: 11, commits: 50, stages: 4, format: 'sha1' },
  { seed: 12, commits: 90, stages: 6, format: 'sha1' },
  { seed: 13, commits: 12, stages: 3, format: 'sha1' },
  { seed: 14, commits: 40, stages: 4, format: 'sha256' },
] as const)(
  'answers of a folded repository equal those of git: $commits commits in $stages pushes, $format, seed $seed',
  async (shape) => {
    const folded = await rig.host(shape, [shape.stages - 1]);
    await rig.compareCold(folded, { drawn: 4, clones: 6 });
    await rig.compare(folded, { drawn: 60, clones: 30 }, true);
  },
);

it('400 cases were answered from stored packs, by git and from recordings', async () => {
  expect(rig.cases).toBeGreaterThanOrEqual(rig.share(400));
  const { stored, git, cached, followed } = await rig.answers();
  expect(stored).toBeGreaterThan(rig.share(50));
  expect(git).toBeGreaterThan(rig.share(200));
  expect(cached).toBeGreaterThan(rig.share(20));
  expect(followed).toBeGreaterThan(rig.share(5));
});
