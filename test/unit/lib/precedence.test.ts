import { expect, it } from 'vitest';
import { Precedence } from '../../../src/lib/precedence.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

function precedence(clock = new ManualClock()) {
  return { clock, precedence: new Precedence({ protects: 3_000, lingers: 100, patience: 250, clock }) };
}

/** Whether work that stands back now goes on at once. */
async function goesOn(of: Precedence): Promise<boolean> {
  return Promise.race([
    of.standBack().then(() => true),
    new Promise<false>((resolve) => setImmediate(() => resolve(false))),
  ]);
}

it('work continues if nothing is urgent, and shortly after urgent work has ended', async () => {
  const { precedence: it, clock } = precedence();
  expect(await goesOn(it)).toBe(true);
  const ended = it.begin();
  const waiting = it.standBack();
  expect(await goesOn(it)).toBe(false);
  ended();
  expect(await goesOn(it)).toBe(false);
  await clock.advance(100);
  await waiting;
  ended();
  expect(await goesOn(it)).toBe(true);
});

it('work waits at most for its patience', async () => {
  const { precedence: it, clock } = precedence();
  it.begin();
  const waiting = it.standBack();
  await clock.advance(250);
  await waiting;
});

it('work that has been urgent for long loses precedence', async () => {
  const { precedence: it, clock } = precedence();
  it.begin();
  await clock.advance(3_000);
  expect(await goesOn(it)).toBe(true);
});
