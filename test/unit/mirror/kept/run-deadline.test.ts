import { describe, expect, it } from 'vitest';
import { RunDeadline } from '../../../../src/mirror/kept/run-deadline.ts';
import { ManualClock } from '../../../helpers/manual-clock.ts';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const KIB = 1024;

describe('the deadline of a mirror run (issue 13, point 4)', () => {
  it('is half an hour if hardly any data moves, however often a byte arrives', async () => {
    const clock = new ManualClock();
    const deadline = new RunDeadline(clock);
    for (let minute = 0; minute < 30; minute++) {
      expect(deadline.signal.aborted).toBe(false);
      deadline.traffic.received(1);
      await clock.advance(MINUTE);
    }
    await clock.advance(1);
    expect(deadline.signal.reason).toMatchObject({ kind: 'unavailable' });
    expect((deadline.signal.reason as Error).message).toContain('after 30 minutes');
  });

  it('moves one second for each 16 KiB in either direction', async () => {
    const clock = new ManualClock();
    const deadline = new RunDeadline(clock);
    deadline.traffic.received(16 * KIB * 10 * MINUTE);
    deadline.traffic.sent(16 * KIB * 5 * MINUTE);
    await clock.advance(45 * MINUTE - 1);
    expect(deadline.signal.aborted).toBe(false);
    await clock.advance(2);
    expect(deadline.signal.aborted).toBe(true);
  });

  it('is six hours at most', async () => {
    const clock = new ManualClock();
    const deadline = new RunDeadline(clock);
    deadline.traffic.received(1024 ** 4);
    await clock.advance(6 * HOUR - 1);
    expect(deadline.signal.aborted).toBe(false);
    await clock.advance(2);
    expect(deadline.signal.aborted).toBe(true);
  });

  it('is cancelled when the run has ended', async () => {
    const clock = new ManualClock();
    const deadline = new RunDeadline(clock);
    deadline.end();
    await clock.advance(7 * HOUR);
    expect(deadline.signal.aborted).toBe(false);
  });
});
