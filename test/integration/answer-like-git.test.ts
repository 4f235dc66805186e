/** Fetches are answered as `git upload-pack` answers them: from packs as they came, nothing folded. */
import { expect, it } from 'vitest';
import { likeGitRig } from '../helpers/like-git-rig.ts';

const rig = likeGitRig();

it.each([
  { seed: 1, commits: 40, stages: 4, format: 'sha1' },
  { seed: 2, commits: 80, stages: 5, format: 'sha1' },
  { seed: 3, commits: 15, stages: 3, format: 'sha1' },
  { seed: 4, commits: 60, stages: 6, format: 'sha1' },
  { seed: 5, commits: 40, stages: 4, format: 'sha256' },
] as const)(
  'answers equal those of git: $commits commits in $stages pushes, $format, seed $seed',
  async (shape) => {
    const hosted = await rig.host(shape);
    await rig.compare(hosted, { drawn: 52, clones: 8 });
  },
);

it('300 cases were answered by git and from recordings', async () => {
  expect(rig.cases).toBeGreaterThanOrEqual(rig.share(300));
  const { git, cached, followed } = await rig.answers();
  expect(git).toBeGreaterThan(rig.share(200));
  expect(cached).toBeGreaterThan(rig.share(20));
  expect(followed).toBeGreaterThan(rig.share(5));
});
