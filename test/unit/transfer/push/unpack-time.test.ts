import { describe, expect, it } from 'vitest';
import { UnpackTime } from '../../../../src/transfer/push/unpack-time.ts';
import { InstantClock } from '../../../helpers/instant-clock.ts';

function unpackTime() {
  const clock = new InstantClock();
  return { clock, time: new UnpackTime(clock) };
}

describe('git’s time for packs of one address (issue 11, point 3)', () => {
  it('is charged to strangers for every pack, and returns slowly', () => {
    const { clock, time } = unpackTime();
    const push = (seconds: number) => {
      const account = time.account('192.0.2.1', true);
      account.check();
      account.worked(seconds);
    };
    for (let pushes = 0; pushes < 30; pushes++) push(1);
    push(89);
    push(20);
    expect(() => push(1)).toThrow(
      'the limit of seconds of work on packs from your address is reached: 139 of 120 are used, try again in 100 seconds',
    );
    expect(() => time.account('192.0.2.2', true).check()).not.toThrow();
    clock.advance(90_000);
    expect(() => push(1), 'what was taken beyond it is paid first').toThrow('try again');
    clock.advance(15_000);
    push(1);
  });

  it('is charged once for a bound that was exceeded', () => {
    const { time } = unpackTime();
    const bomb = (seconds: number) => {
      const account = time.account('2001:db8::1', true);
      account.check();
      account.worked(seconds);
      account.exceeded();
      account.exceeded();
    };
    for (let bombs = 0; bombs < 119; bombs++) bomb(1);
    for (let bombs = 0; bombs < 99; bombs++) bomb(0.01);
    bomb(1);
    expect(() => bomb(1)).toThrow('try again');
    expect(time.problemOf('2001:db8::ffff')?.kind, 'all addresses of such a network are one caller').toBe(
      'busy',
    );
    expect(time.problemOf('2001:db8:0:1::1')).toBeUndefined();
  });

  it('is charged to writers only for long work without a result', () => {
    const { time } = unpackTime();
    const push = (seconds: number, isExceeded: boolean) => {
      const account = time.account('192.0.2.1', false);
      account.check();
      account.worked(seconds);
      if (isExceeded) account.exceeded();
    };
    for (let pushes = 0; pushes < 100; pushes++) push(100, false);
    for (let pushes = 0; pushes < 1_000; pushes++) push(0.9, true);
    expect(time.remembered).toBe(0);
    push(121, true);
    expect(() => push(1, false)).toThrow('try again');
    expect(() => time.account('192.0.2.1', true).check(), 'strangers have time of their own').not.toThrow();
  });

  it('is remembered for as long as it matters', () => {
    const { clock, time } = unpackTime();
    for (let address = 0; address < 30_000; address++) {
      time.account(`10.0.${address >> 8}.${address & 255}`, true).worked(1);
      clock.advance(10);
    }
    expect(time.remembered).toBeLessThan(20_000);
  });
});
