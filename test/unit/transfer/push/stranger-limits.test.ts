import { describe, expect, it } from 'vitest';
import type { ReceivedCommand } from '../../../../src/git/index.ts';
import type { Strangers } from '../../../../src/repository/git/git-manifest.ts';
import {
  hasRefFor,
  strangersAfter,
  strangersWithout,
} from '../../../../src/transfer/push/pull-request-rules.ts';
import {
  allowanceLeft,
  limitsOfOnePush,
  settled,
  waitingLimit,
} from '../../../../src/transfer/push/stranger-limits.ts';
import { oid, stateOf } from '../../../helpers/repository-rig.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';

const LIMITS = { bytes: 86_400, objects: 864, refs: 100 };
const everywhere = () => true;
const nowhere = () => false;
const id = (number: number) => number.toString(16).padStart(64, '0');

describe('the allowance of strangers in a repository (issue 11, point 8)', () => {
  it('is a quarter for a single push, and for waiting refs', () => {
    expect(limitsOfOnePush(LIMITS)).toEqual({ bytes: 21_600, objects: 216 });
    expect(waitingLimit(LIMITS)).toBe(25);
    expect(limitsOfOnePush({ bytes: 1, objects: 1, refs: 1 })).toEqual({ bytes: 1, objects: 1 });
  });

  it('is used up by existing refs, and free again within a day after their end', () => {
    const strangers: Strangers = { refs: { [id(1)]: { bytes: 86_400, objects: 864 } } };
    expect(allowanceLeft(LIMITS, strangers, everywhere, 10 ** 9)).toEqual({ bytes: 0, objects: 0 });
    const gone = settled(LIMITS, strangers, nowhere, 1_000);
    expect(gone).toEqual({ refs: {}, gone: { at: 1_000, bytes: 86_400, objects: 864 } });
    const left = (seconds: number) => allowanceLeft(LIMITS, gone, nowhere, 1_000 + seconds);
    expect(left(0)).toEqual({ bytes: 0, objects: 0 });
    expect(left(43_200)).toEqual({ bytes: 43_200, objects: 432 });
    expect(left(86_400)).toEqual({ bytes: 86_400, objects: 864 });
    expect(left(-500), 'a clock that goes back frees nothing').toEqual({ bytes: 0, objects: 0 });
  });

  it.each([1, 2, 3, 4, 5])('is never exceeded by pushes and deletes (seed %i)', (seed) => {
    const random = new SeededRandom(seed);
    const refs = new Map<string, string>();
    let strangers: Strangers | undefined;
    // By event id: what really came with refs that are there; and all that ever came, by date.
    const there = new Map<string, number>();
    const came: { at: number; bytes: number }[] = [];
    let now = 1_000;
    for (let step = 0; step < 400; step++) {
      now += random.below(600);
      const state = stateOf({ refs: new Map(refs), ...(strangers === undefined ? {} : { strangers }) });
      const event = id(random.below(30));
      const name = `refs/nostr/${event}`;
      const command: ReceivedCommand = { name, oldId: refs.get(name) ?? oid('0'), newId: oid('1') };
      const terms = { limits: LIMITS, now, brings: undefined };
      if (random.fraction() < 0.3) {
        if (refs.delete(name) && random.fraction() < 0.5) {
          // The owner deletes it by a push; else upkeep does, which touches nothing else.
          const deletes = [{ ...command, newId: oid('0') }];
          strangers = strangersWithout(state, deletes, terms);
        }
        there.delete(event);
        continue;
      }
      const left = allowanceLeft(LIMITS, strangers, hasRefFor(state), now);
      const brings = { bytes: Math.min(left.bytes, random.below(limitsOfOnePush(LIMITS).bytes)), objects: 1 };
      if (left.objects < 1) continue;
      strangers = strangersAfter(state, [command], { ...terms, brings }, undefined);
      refs.set(name, oid('1'));
      there.set(event, (there.get(event) ?? 0) + brings.bytes);
      came.push({ at: now, bytes: brings.bytes });
      const held = [...there.values()].reduce((sum, bytes) => sum + bytes, 0);
      expect(held, `seed ${seed}, step ${step}`).toBeLessThanOrEqual(LIMITS.bytes);
      const lastDay = came.filter(({ at }) => at > now - 86_400).reduce((sum, { bytes }) => sum + bytes, 0);
      expect(lastDay, `seed ${seed}, step ${step}`).toBeLessThanOrEqual(2 * LIMITS.bytes);
    }
    expect(
      came.reduce((sum, { bytes }) => sum + bytes, 0),
      'it is not refused for ever',
    ).toBeGreaterThan(LIMITS.bytes);
  });

  it('does not let a key change a ref that another client has created under the same name', () => {
    const name = `refs/nostr/${id(1)}`;
    const made: ReceivedCommand = { name, oldId: oid('0'), newId: oid('1') };
    const terms = { limits: LIMITS, now: 0, brings: undefined };
    const first = strangersAfter(stateOf(), [made], terms, 'k'.repeat(64));
    expect(first?.refs[id(1)]?.by).toBe('k'.repeat(64));
    const gone = stateOf({ ...(first === undefined ? {} : { strangers: first }) });
    expect(strangersAfter(gone, [made], terms, undefined)?.refs[id(1)]?.by, 'made by nobody').toBeUndefined();
    expect(strangersWithout(gone, [made], terms)?.refs[id(1)], 'made by a writer').toBeUndefined();
  });
});
