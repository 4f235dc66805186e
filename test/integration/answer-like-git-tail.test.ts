/** Fetches of what was pushed behind a fold are answered as `git upload-pack` answers them, joined packs included. */
import { expect, it } from 'vitest';
import { likeGitRig } from '../helpers/like-git-rig.ts';

const rig = likeGitRig();

it.each([
  { seed: 21, commits: 60, stages: 5, calm: 2, unrepeated: true, format: 'sha1' },
  { seed: 22, commits: 60, stages: 4, calm: 1, unrepeated: false, format: 'sha1' },
  { seed: 23, commits: 40, stages: 8, calm: 5, unrepeated: true, format: 'sha1' },
  { seed: 24, commits: 40, stages: 4, calm: 2, unrepeated: true, format: 'sha256' },
] as const)(
  'answers equal those of git after $calm pushes without loss, $format, seed $seed',
  async (shape) => {
    // The first fold is there so that the second one finds a base, and what has become unreachable in it.
    const hosted = await rig.host(shape, [0, shape.stages - shape.calm - 1]);
    await rig.compareCold(hosted, { drawn: 4, clones: 6 });
    await rig.compare(hosted, { drawn: 40, clones: 30 }, true);
  },
);

it('answers equal those of git after 2 pushes with forced moves and deletions', async () => {
  const shape = { seed: 25, commits: 70, stages: 6, format: 'sha1' } as const;
  const hosted = await rig.host(shape, [3]);
  await rig.compare(hosted, { drawn: 60, clones: 20 }, true);
});

it('400 cases were answered from concatenated packs, by git and from recordings', async () => {
  expect(rig.cases).toBeGreaterThanOrEqual(rig.share(400));
  const { spliced, git, cached, followed } = await rig.answers();
  expect(spliced).toBeGreaterThan(rig.share(30));
  expect(git).toBeGreaterThan(rig.share(200));
  expect(cached).toBeGreaterThan(rig.share(20));
  expect(followed).toBeGreaterThan(rig.share(5));
});
