import { expect, it } from 'vitest';
import { DraftedDeltas } from '../../../../src/repository/fossil/drafted-deltas.ts';
import { type WaitingDelta, WaitingDeltas } from '../../../../src/repository/fossil/waiting-deltas.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';

const NOTHING = { waiting: [], waitingDeltas: new WaitingDeltas([]) };

function deltaOf(slot: number, source: number, isPrivate = false, offset = 0): WaitingDelta {
  return { slot, source, isPrivate, size: 1, pack: 0, offset, length: 1, day: 0 };
}

it('what waits is what a plain list says, over many states', () => {
  const random = new SeededRandom(7);
  let state: ReturnType<DraftedDeltas['left']> = NOTHING;
  let plain: WaitingDelta[] = [];
  for (let round = 0; round < 300; round++) {
    const draft = new DraftedDeltas(state);
    for (let step = random.below(12); step > 0; step--) {
      const [slot, source, isPrivate] = [random.below(3), random.below(3), random.below(2) === 0];
      if (random.below(4) === 0) {
        draft.remove(slot, source);
        plain = plain.filter((delta) => delta.slot !== slot || delta.source !== source);
        continue;
      }
      const delta = deltaOf(slot, source, isPrivate, round * 100 + step);
      draft.add(delta);
      const isKnown = plain.some(
        (other) => other.slot === slot && other.source === source && (!other.isPrivate || isPrivate),
      );
      if (!isKnown) plain.push(delta);
    }
    const gone = random.below(6);
    plain = plain.filter(({ slot }) => slot !== gone);
    state = draft.left(({ slot }) => slot !== gone);
    expect(state.waiting).toEqual(plain);
    for (let slot = 0; slot < 3; slot++) {
      expect(state.waitingDeltas.making(slot)).toEqual(plain.filter((delta) => delta.slot === slot));
      expect(state.waitingDeltas.of(slot)).toEqual(plain.filter(({ source }) => source === slot));
    }
  }
});

it('a state in which the same waits shares what the state before has', () => {
  const draft = new DraftedDeltas(NOTHING);
  draft.add(deltaOf(1, 2));
  const before = draft.left(() => true);
  const next = new DraftedDeltas(before);
  next.add(deltaOf(1, 2));
  next.remove(1, 3);
  expect(next.left(() => true).waitingDeltas).toBe(before.waitingDeltas);
});

// As many as may wait. If each took time in proportion to the others, this would take minutes.
it('as many as may wait are added, found and removed one by one', () => {
  const draft = new DraftedDeltas(NOTHING);
  for (let source = 0; source < 50_000; source++) draft.add(deltaOf(1, source));
  const { waiting, waitingDeltas } = draft.left(() => true);
  expect(waiting.length).toBe(50_000);
  const next = new DraftedDeltas({ waiting, waitingDeltas });
  for (let source = 0; source < 50_000; source++) next.add(deltaOf(1, source));
  for (let source = 0; source < 50_000; source++) next.remove(1, source);
  expect(next.left(() => true).waiting).toEqual([]);
});
