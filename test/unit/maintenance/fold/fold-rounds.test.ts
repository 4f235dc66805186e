import { expect, it } from 'vitest';
import { FIRST_ROUND_MS, FoldRounds, ROUND_EVERY_MS } from '../../../../src/maintenance/fold/fold-rounds.ts';
import { createLogger } from '../../../../src/observability/logger.ts';
import { artifactKey, pointerKey } from '../../../../src/repository/keys.ts';
import {
  formatRepositoryId,
  type RepositoryId,
  repositoryId,
} from '../../../../src/repository/repository-id.ts';
import { buildRepositories } from '../../../../src/server/open-repositories.ts';
import { FOSSIL_ID, FossilRig } from '../../../helpers/fossil-rig.ts';
import { ManualClock } from '../../../helpers/manual-clock.ts';
import { ID, manifestOf, RepositoryRig } from '../../../helpers/repository-rig.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';

/** A store with repositories of both kinds, and a server that was just started over it. */
async function restarted() {
  const { store } = await new FossilRig().create();
  const git = new RepositoryRig({ store });
  await git.publish(manifestOf());
  const clock = new ManualClock();
  const random = new SeededRandom(4);
  const opened = buildRepositories({
    stores: { control: store, bulk: store },
    clock,
    random,
    swapPatience: 1,
  });
  const told: string[] = [];
  const log: string[] = [];
  const hears = (kind: string) => ({
    published: (id: RepositoryId) => void told.push(`${kind} ${formatRepositoryId(id)}`),
  });
  const rounds = new FoldRounds({
    repositories: opened.all,
    git: hears('git'),
    fossil: hears('fossil'),
    clock,
    random,
    log: createLogger('warn', { write: (line) => void log.push(line) }),
  });
  rounds.start();
  store.reset();
  return { store, clock, rounds, told, log };
}

const BOTH = [`fossil ${formatRepositoryId(FOSSIL_ID)}`, `git ${formatRepositoryId(ID)}`];
const LATEST = 1.5;

it('goes through repositories of both kinds, once some time after the start and once a day', async () => {
  const { clock, rounds, told, store } = await restarted();
  await clock.advance((FIRST_ROUND_MS / 1000) * 0.4);
  expect(store.count()).toBe(0);
  await clock.advance((FIRST_ROUND_MS / 1000) * (LATEST - 0.4));
  await expect.poll(() => [...told].sort()).toEqual(BOTH);
  // One listing, the pointer and the manifest of each, and those of the other kind once more.
  expect(store.count('list')).toBeLessThanOrEqual(3);
  expect(store.count('get')).toBeLessThanOrEqual(6);
  told.length = 0;
  await clock.advance((ROUND_EVERY_MS / 1000) * LATEST);
  await expect.poll(() => [...told].sort()).toEqual(BOTH);
  await rounds.close();
});

it('leaves out what is damaged, and goes on after a listing that failed', async () => {
  const { clock, rounds, told, log, store } = await restarted();
  const damaged = repositoryId('e'.repeat(64), 'damaged');
  const digest = 'f'.repeat(64);
  await store.put(pointerKey(damaged), Buffer.from(digest), { mode: 'create' });
  store.next((call) => call.operation === 'list', { does: 'unavailable' });
  await clock.advance((FIRST_ROUND_MS / 1000) * LATEST);
  await expect.poll(() => log.length).toBe(1);
  expect(log[0]).toContain('a round through the repositories failed');
  await clock.advance((ROUND_EVERY_MS / 1000) * LATEST);
  await expect.poll(() => [...told].sort()).toEqual(BOTH);
  await expect.poll(() => log.length).toBe(2);
  expect(log[1]).toContain(artifactKey(damaged, { digest, kind: 'json' }));
  await rounds.close();
});
