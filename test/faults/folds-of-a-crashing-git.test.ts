/** A history at random, folded by a git whose walks crash at random: no object leaves that a ref reaches, and manifests say what is true. */
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { FoldMode } from '../../src/maintenance/fold/fold.ts';
import { isClosed, type PackEntry } from '../../src/repository/git/git-manifest.ts';
import { type RepositoryId, repositoryId } from '../../src/repository/repository-id.ts';
import { snapshotPackName } from '../../src/repository/snapshot/snapshot.ts';
import type { App } from '../../src/server/app.ts';
import { onSnapshot, stateOn } from '../helpers/folded.ts';
import { GitClient } from '../helpers/git-client.ts';
import { SeededRandom } from '../helpers/seeded-random.ts';
import { OWNER, repositoryUrl, startServer } from '../helpers/server.ts';
import { ShiftedClock } from '../helpers/shifted-clock.ts';
import { tempDir } from '../helpers/temp-dir.ts';
import { testSeed } from '../helpers/test-seed.ts';

const STEPS = 25;
/** Another history: CAIRN_TEST_SEED. */
const SEEDS = (process.env['CAIRN_TEST_SEED'] ?? '') === '' ? [1, 2] : [testSeed()];
const REFS = ['heads/main', 'heads/topic', 'tags/one', 'notes/x', 'nostr/y', 'pull/1/head'];
const WALKS = ['--all', '--revs', '--stdin-packs', 'commit-graph'] as const;

/** What holds of every manifest, looked at with git. */
async function mustBeWhole(app: App, id: RepositoryId): Promise<void> {
  const { manifest } = await stateOn(app, id);
  await onSnapshot(app, id, async (git) => {
    const reached = await git.try(['rev-list', '--objects', '--all', '--quiet']);
    expect(reached.exitCode, reached.stderr).toBe(0);
    if (isClosed(manifest)) {
      const linked = await git.try(['fsck', '--full']);
      expect(linked.exitCode, `something is missing: ${linked.stderr}`).toBe(0);
    }
    const idsIn = async (entry: PackEntry) => {
      const pack = join(git.folder, 'objects', 'pack', `${snapshotPackName(entry, manifest)}.pack`);
      const lines = (await git.run(['verify-pack', '-v', pack])).split('\n');
      return lines.flatMap((line) => /^[0-9a-f]{40}(?= (?:commit|tree|blob|tag) )/.exec(line) ?? []);
    };
    const apart = await Promise.all(manifest.packs.filter(({ disjoint }) => disjoint === true).map(idsIn));
    expect(new Set(apart.flat()).size, 'packs that share nothing').toBe(apart.flat().length);
    for (const entry of manifest.packs) expect(await idsIn(entry)).toHaveLength(entry.objects);
  });
}

it.each(SEEDS)(
  'a fold keeps all objects of refs and manifests while git crashes (issue 11, point 2; seed %i)',
  async (seed) => {
    const random = new SeededRandom(seed);
    await using folder = await tempDir('cairn-crashing-git');
    const crashing = join(folder.path, 'crashing');
    const binary = join(folder.path, 'git');
    // Only in the copy of a fold: whoever reads or pushes has a git that works.
    const script = `case "$GIT_DIR" in */fold*) for walk in $(cat "${crashing}"); do
    case " $* " in *" $walk "*) kill -SEGV $$ ;; esac
  done ;; esac`;
    await writeFile(binary, `#!/bin/sh\n${script}\nexec git "$@"\n`);
    await chmod(binary, 0o755);
    await writeFile(crashing, '');
    const clock = new ShiftedClock();
    await using app = await startServer({ flags: { git: binary }, overrides: { clock, background: false } });
    const id = repositoryId(OWNER, 'crashing');
    const url = repositoryUrl(app, 'crashing');
    const work = await new GitClient(folder.path).init('work');
    await work.commit('Begin', { a: '0\n' });
    await work.run(['push', '--quiet', url, 'HEAD:refs/heads/main']);

    let refused = 0;
    for (let step = 0; step < STEPS; step++) {
      const ref = `refs/${random.pick(REFS)}`;
      const what = random.below(10);
      if (what < 4) {
        // On what is there, or on something older, so that some of it is left behind.
        const back = random.below(3);
        await work.try(['reset', '--quiet', '--hard', `HEAD~${back}`]);
        await work.commit(`Commit ${step}`, {
          a: `${step}\n`,
          [`b${random.below(5)}`]: `${random.below(4)}\n`,
        });
        await work.run(['push', '--quiet', '--force', url, `HEAD:${ref}`]);
      } else if (what < 5 && ref !== 'refs/heads/main') {
        await work.try(['push', '--quiet', url, `:${ref}`]);
      } else if (what < 6) {
        clock.advanceDays(random.below(5));
      } else {
        await writeFile(crashing, WALKS.filter(() => random.below(3) === 0).join(' '));
        const outcome = await app.fold(id, random.pick<FoldMode>(['full', 'full', 'due', 'gather']));
        if ('refusal' in outcome && outcome.refusal !== undefined) refused++;
        await mustBeWhole(app, id);
      }
    }
    await writeFile(crashing, '');
    await app.fold(id);
    await mustBeWhole(app, id);
    expect(refused).toBeGreaterThan(0);
    const copy = await new GitClient(folder.path).clone(url, 'copy', '--mirror');
    expect(await copy.run(['fsck', '--full', '--strict'])).toBe('');
  },
);
