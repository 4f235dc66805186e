import { describe, expect, it } from 'vitest';
import {
  type FoldFacts,
  foldPlan,
  gatherPlan,
  isFolded,
  PACKS_GATHERED,
} from '../../../../src/maintenance/fold/fold-plan.ts';
import type { PackEntry, PackKind } from '../../../../src/repository/git/git-manifest.ts';
import { packOf } from '../../../helpers/repository-rig.ts';

const DAY = 86_400;
const FACTS: FoldFacts = { now: 1_000 * DAY, grace: 7 * DAY, deletions: 0 };

let names = 0;

function pack(kind: PackKind, objects: number, parts: Partial<PackEntry> = {}): PackEntry {
  return packOf(`pack-${++names}`, { kind, objects, ...parts });
}

function pushes(count: number, objects = 3): PackEntry[] {
  return Array.from({ length: count }, () => pack('push', objects));
}

const base = (objects: number, since = FACTS.now) =>
  pack('fold', objects, { tips: 'f'.repeat(64), linked: true, since });
const rolled = (objects: number) => pack('fold', objects, { since: FACTS.now });
const unreachable = (age: number) => pack('unreachable', 5, { since: FACTS.now - age });

describe('the plan of a fold', () => {
  it.each([
    ['nothing', [], 'none'],
    ['one small push', pushes(1), 'none'],
    ['fifteen small pushes', pushes(15), 'none'],
    ['sixteen small pushes without a base', pushes(16), 'full'],
    ['one push of an old history', pushes(1, 1_000), 'full'],
    ['a base alone', [base(10)], 'none'],
    ['a base and what only other refs reach', [base(10), pack('rest', 90)], 'none'],
    ['fifteen pushes on a base', [base(1_000), ...pushes(15)], 'none'],
    ['sixteen pushes on a large base', [base(1_000), ...pushes(16)], 'roll-up'],
    ['sixteen pushes on a small base', [base(95), ...pushes(16)], 'full'],
    ['what is mirrored counts, too', [base(9_000), ...pushes(15), pack('mirror', 3)], 'roll-up'],
    ['a push that is large beside the base', [base(9_000), ...pushes(1, 4_501)], 'full'],
    ['a push that is large, but not beside the base', [base(9_000), ...pushes(1, 4_500)], 'none'],
    ['packs rolled up before', [base(9_000), rolled(2_000), rolled(900), ...pushes(2)], 'none'],
    ['too much of them', [base(9_000), rolled(3_500), rolled(1_000), ...pushes(2)], 'full'],
    ['unreachable objects within their time', [base(10), unreachable(6 * DAY)], 'none'],
    ['unreachable objects whose time is over', [base(10), unreachable(7 * DAY)], 'full'],
  ] as const)('%s', (_name, packs, fold) => {
    expect(foldPlan(packs, FACTS).fold).toBe(fold);
  });

  it('is by sizes only if git cannot walk: never everything, never waiting packs (issue 11, point 2)', () => {
    expect(gatherPlan(pushes(15))).toEqual({ fold: 'none' });
    expect(gatherPlan([unreachable(9 * DAY), ...pushes(15)])).toEqual({ fold: 'none' });
    const [came, small, large] = [pushes(16), rolled(90), rolled(500)];
    const packs = [base(10), pack('rest', 5), large, small, unreachable(9 * DAY), ...came];
    expect(gatherPlan(packs)).toEqual({ fold: 'roll-up', packs: [...came, small], listed: true });
  });

  it('counts the objects of a thin pack without the bases that completed it', () => {
    const thin = pack('push', 9_000, { own: { objects: 10, end: 100 } });
    expect(foldPlan([base(9_000), thin], FACTS).fold).toBe('none');
  });

  it('makes a base anew after many deletions, at most once a day', () => {
    const facts = { ...FACTS, deletions: 16 };
    expect(foldPlan([base(10, FACTS.now - DAY)], facts)).toEqual({ fold: 'full', reason: 'deletions' });
    expect(foldPlan([base(10, FACTS.now - DAY + 1)], facts).fold).toBe('none');
    expect(foldPlan([base(10, 0)], { ...facts, deletions: 15 }).fold).toBe('none');
  });
});

describe('a roll-up', () => {
  it('includes folded packs that are less than twice as large as the packs gathered so far', () => {
    const [large, middle, small] = [rolled(400), rolled(150), rolled(50)];
    const plan = foldPlan([base(10_000), large, middle, small, ...pushes(16)], FACTS);
    // 48 pushed, 50 < 96, then 150 < 196, then 400 is not less than 496.
    expect(plan).toMatchObject({ fold: 'roll-up' });
    expect(plan.fold === 'roll-up' && plan.packs.slice(16)).toEqual([small, middle, large]);
    const kept = foldPlan([base(10_000), rolled(96), ...pushes(16)], FACTS);
    expect(kept.fold === 'roll-up' && kept.packs).toHaveLength(16);
  });

  it('leaves out packs that wait to leave, and packs that only other refs reach', () => {
    const apart = [pack('rest', 1), unreachable(DAY)];
    const plan = foldPlan([base(10_000), ...apart, ...pushes(16)], FACTS);
    expect(plan.fold === 'roll-up' && plan.packs.every(({ kind }) => kind === 'push')).toBe(true);
  });
});

describe('continuous pushes', () => {
  /** Pushes and folds as planned; what is folded is what was there, without overlap. */
  function run(count: number, objects: (n: number) => number) {
    let packs: readonly PackEntry[] = [];
    const seen = { rollUps: 0, full: 0, packed: 0, mostPacks: 0, pushed: 0 };
    for (let n = 0; n < count; n++) {
      packs = [...packs, pack('push', objects(n))];
      seen.pushed += objects(n);
      seen.mostPacks = Math.max(seen.mostPacks, packs.length);
      const plan = foldPlan(packs, FACTS);
      if (plan.fold === 'none') continue;
      const gone = plan.fold === 'full' ? packs : plan.packs;
      const sum = gone.reduce((total, entry) => total + entry.objects, 0);
      seen.packed += sum;
      seen[plan.fold === 'full' ? 'full' : 'rollUps']++;
      packs = [
        plan.fold === 'full' ? base(sum) : rolled(sum),
        ...packs.filter((entry) => !gone.includes(entry)),
      ];
    }
    return seen;
  }

  it.each([100, 1_000, 10_000])(
    'of equal sizes (%i) cost O(n log n) packed objects, and leave few packs',
    (count) => {
      const { rollUps, full, packed, mostPacks, pushed } = run(count, () => 3);
      expect(rollUps + full).toBeLessThanOrEqual(count / PACKS_GATHERED + Math.log2(count));
      expect(full).toBeLessThanOrEqual(Math.ceil(2 * Math.log2(count)));
      expect(packed).toBeLessThanOrEqual(pushed * Math.log2(pushed));
      expect(mostPacks).toBeLessThanOrEqual(PACKS_GATHERED + 1 + Math.log2(pushed));
    },
  );

  it('of very unequal sizes cost the same', () => {
    const { packed, mostPacks, pushed, rollUps, full } = run(2_000, (n) =>
      n % 97 === 0 ? 5_000 : (n % 11) + 1,
    );
    expect(rollUps + full).toBeLessThanOrEqual(2_000 / PACKS_GATHERED + 2 * Math.log2(pushed));
    expect(packed).toBeLessThanOrEqual(pushed * Math.log2(pushed));
    expect(mostPacks).toBeLessThanOrEqual(PACKS_GATHERED + 1 + Math.log2(pushed));
  });
});

describe('a folded repository', () => {
  const tips = 'f'.repeat(64);

  it.each([
    ['has one pack that answers a clone', [base(10)], tips, true],
    ['may have packs that wait to leave', [base(10), unreachable(DAY)], tips, true],
    ['has none whose time is over', [base(10), unreachable(7 * DAY)], tips, false],
    ['has a pack that answers a clone of today', [base(10)], 'e'.repeat(64), false],
    ['has no others', [base(10), ...pushes(1)], tips, false],
    ['has no pack for a clone when nothing is cloned', [pack('rest', 10)], undefined, true],
    ['has no pack for a clone when nothing is cloned any more', [base(10)], undefined, false],
  ] as const)('%s', (_name, packs, wants, folded) => {
    expect(isFolded(packs, wants, FACTS)).toBe(folded);
  });
});
