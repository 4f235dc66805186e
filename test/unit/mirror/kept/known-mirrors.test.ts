import { expect, it } from 'vitest';
import { type KnownMirror, KnownMirrors } from '../../../../src/mirror/kept/known-mirrors.ts';
import { dueAt, nextTurn } from '../../../../src/mirror/kept/schedule.ts';
import type { KeptPull } from '../../../../src/repository/records/mirrors-record.ts';
import { formatRepositoryId, repositoryId } from '../../../../src/repository/repository-id.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';
import { testSeed } from '../../../helpers/test-seed.ts';

const NOW = 1_000_000;

function mirror(number: number, due: number, changes: Partial<KeptPull> = {}): KeptPull {
  const progress = { due, failures: 0, lastRun: null, lastSuccess: null, lastError: null };
  return {
    id: number.toString(16).padStart(16, '0'),
    name: `m${number}`,
    address: 'https://example.org/r.git',
    every: 600,
    by: null,
    incarnation: '0'.repeat(32),
    paused: false,
    removing: false,
    credential: null,
    direction: 'pull',
    refs: 'follow',
    overwrite: false,
    marked: true,
    progress: { ...progress, mirrored: null, behindSince: null },
    ...changes,
  };
}

it('the mirror that starts is the one whose turn it is, whatever dates their records have', () => {
  const random = new SeededRandom(testSeed());
  for (let world = 0; world < 30; world++) {
    const known = new KnownMirrors(4);
    const repositories = new Set<string>();
    const mirrors = Array.from({ length: 1 + random.below(30) }, (_, number) => {
      const id = repositoryId(random.pick(['a', 'b', 'c']).repeat(64), random.pick(['r', 's']));
      repositories.add(formatRepositoryId(id));
      // Two years from now, no clock is right.
      const due = NOW + random.pick([-50, -20, -10, 10, 600, 63_072_000]) + random.below(9);
      const record = mirror(number, due, { paused: random.below(8) === 0, removing: random.below(8) === 0 });
      known.take(id, record);
      return record;
    });
    const running: KnownMirror[] = [];
    const started = new Map<string, number>();
    for (let step = 1; step < 60; step++) {
      const all = [...repositories].flatMap((repository) => [...known.of(repository)]);
      expect(all.filter((one) => !one.running).length).toBe(mirrors.length - running.length);
      const idle = all
        .filter((one) => !one.running && !one.mirror.paused && !one.mirror.removing)
        .map((one) => ({ ...one, due: dueAt(one.mirror, NOW) * 1_000 }));
      const next = nextTurn(idle, NOW * 1_000, {
        most: 3,
        running: (owner) => running.filter((one) => one.owner === owner).length,
        lastStarted: (name) => started.get(name) ?? 0,
      });
      const begun = known.begin(NOW * 1_000);
      expect(begun?.mirror.id, `world ${world}, step ${step}`).toBe(next?.mirror.id);
      if (begun === undefined || random.below(3) === 0) {
        const [ended] = running.splice(random.below(Math.max(1, running.length)), 1);
        if (ended !== undefined) known.end(ended);
      }
      if (begun === undefined) continue;
      running.push(begun);
      started.set(begun.owner, step).set(begun.repository, step);
    }
  }
});

it('a date that no run can have set counts as now for the next start, too', () => {
  const known = new KnownMirrors(4);
  known.take(repositoryId('a'.repeat(64), 'r'), mirror(1, NOW + 63_072_000));
  known.take(repositoryId('b'.repeat(64), 'r'), mirror(2, NOW + 300));
  expect(known.begin(NOW * 1_000)?.mirror.id).toMatch(/1$/);
  expect(known.begin(NOW * 1_000)).toBeUndefined();
  expect(known.nextDue).toBe((NOW + 300) * 1_000);
});
