import { describe, expect, it } from 'vitest';
import { boundedPushes } from '../../../../src/transfer/push/stranger-push.ts';
import { StrangerTraffic } from '../../../../src/transfer/push/stranger-traffic.ts';
import { InstantClock } from '../../../helpers/instant-clock.ts';

const LIMITS = { bytes: 3_600, objects: 360, refs: 100 };
const MUCH = { bytes: 10_000, objects: 10_000 };

function traffic() {
  const clock = new InstantClock();
  return { clock, traffic: new StrangerTraffic(LIMITS, clock) };
}

describe('pushes of strangers through one server (issue 11, point 8)', () => {
  it('are limited per address, and other addresses can still push', () => {
    const { clock, traffic: strangers } = traffic();
    const enter = (address: string) => strangers.enter(address, 0);
    for (let push = 0; push < 120; push++) enter('192.0.2.1');
    expect(() => enter('192.0.2.1')).toThrow(
      'the limit of pushes that your address may make without write access is reached: 120 of 120 are used (a refused one counts as 3), try again in 2 seconds',
    );
    // All addresses of one such network are one caller.
    for (let push = 0; push < 120; push++) enter(`2001:db8::${push.toString(16)}`);
    expect(() => enter('2001:db8::ffff')).toThrow('pushes that your address may make');
    enter('192.0.2.2');
    clock.advance(2_000);
    enter('192.0.2.1');
    expect(() => enter('192.0.2.1')).toThrow('try again');
  });

  it('cost their address more if they are refused, and cost others nothing (issue 11, point 8)', () => {
    const { clock, traffic: strangers } = traffic();
    const push = () => {
      strangers.enter('192.0.2.1', 0);
      strangers.refused('192.0.2.1');
    };
    for (let refused = 0; refused < 40; refused++) push();
    expect(push).toThrow('pushes that your address may make');
    expect(strangers.problemOf('192.0.2.1', 0)?.kind).toBe('busy');
    expect(strangers.problemOf('192.0.2.2', 10)).toBeUndefined();
    expect(strangers.remembered, 'nobody is remembered for a question').toBe(1);
    clock.advance(6_000);
    push();
    expect(push).toThrow('try again');
  });

  it('may create fewer than half of a repository’s waiting refs from one address', () => {
    const { clock, traffic: strangers } = traffic();
    strangers.enter('192.0.2.1', 10);
    expect(() => strangers.enter('192.0.2.1', 1)).toThrow(
      'the limit of new refs that your address may push in 20 minutes without write access is reached: 10 of 10 are used, try again in 120 seconds',
    );
    clock.advance(20 * 60_000);
    strangers.enter('192.0.2.1', 10);
  });

  it('are limited in bytes and objects per hour, reserved before they arrive', () => {
    const { clock, traffic: strangers } = traffic();
    const first = strangers.reserve('192.0.2.1', MUCH);
    expect(first).toMatchObject({ bytes: 900, objects: 90 });
    first.settle({ bytes: 100, objects: 1 });
    first.settle({ bytes: 0, objects: 0 });
    const others = [1, 2, 3].map(() => strangers.reserve('192.0.2.1', MUCH));
    expect(others.map(({ bytes }) => bytes)).toEqual([900, 900, 900]);
    expect(strangers.reserve('192.0.2.1', MUCH)).toMatchObject({ bytes: 800, objects: 89 });
    expect(strangers.reserve('192.0.2.1', MUCH)).toMatchObject({ bytes: 0, objects: 0 });
    expect(strangers.reserve('192.0.2.2', MUCH).bytes, 'another address').toBe(900);
    clock.advance(1_800_000);
    expect(strangers.reserve('192.0.2.1', { bytes: 500, objects: 10_000 })).toMatchObject({ bytes: 500 });
  });

  it('that exceed a limit are told which one, how much is used, and when enough is free again (issue 11, point 8)', () => {
    const { traffic: strangers } = traffic();
    const one = strangers.reserve('192.0.2.1', MUCH);
    expect(one.beyond('objects', 91)).toBe(
      'the pack has 91 objects, no more than 90 are taken in one push without write access (--anonymous-pushes)',
    );
    expect(one.beyond('bytes', undefined)).toBe(
      'pack exceeds maximum allowed size, 900 bytes in one push without write access (--anonymous-pushes)',
    );
    one.settle({ bytes: 100, objects: 10 });
    for (let push = 0; push < 3; push++)
      strangers.reserve('192.0.2.1', MUCH).settle({ bytes: 900, objects: 90 });
    const rest = strangers.reserve('192.0.2.1', MUCH);
    expect(rest).toMatchObject({ bytes: 800, objects: 80 });
    expect(rest.beyond('objects', 85)).toBe(
      'the limit of objects that your address may push in an hour without write access is reached: 280 of 360 are used, this pack has 85, try again in 50 seconds',
    );
    expect(rest.beyond('objects', 100), 'never, whatever is used').toContain('no more than 90 are taken');
    expect(rest.beyond('bytes', undefined)).toBe(
      'the limit of bytes that your address may push in an hour without write access is reached: 2.7 KiB of 3600 bytes are used, this pack is larger than what is left, try again in 100 seconds',
    );
    rest.settle(rest);
    const held = strangers.reserve('192.0.2.2', { bytes: 3_000, objects: 20 });
    expect(held.beyond('objects', 21)).toBe(
      'the limit of objects that pushes without write access may bring to this repository is reached: 340 of 360 are used, this pack has 21: ask its owner to push it',
    );
    for (let number = 0; number < 100; number++) strangers.reserve(`192.0.3.${number}`, MUCH);
    expect(strangers.reserve('192.0.2.3', MUCH).beyond('objects', 1)).toBe(
      'the limit of objects that all addresses together may push in an hour without write access is reached: 5760 of 5760 are used, this pack has 1, try again in 1 second',
    );
  });

  it('are charged for objects that git has added to a pack, beyond the reservation', () => {
    const { traffic: strangers } = traffic();
    strangers.reserve('192.0.2.1', MUCH).settle({ bytes: 3_600, objects: 1 });
    expect(strangers.reserve('192.0.2.1', MUCH).bytes).toBe(0);
  });

  it('of all addresses together are limited to sixteen times the bytes and objects of one', () => {
    const { traffic: strangers } = traffic();
    let [bytes, objects] = [0, 0];
    for (let number = 0; number < 100; number++) {
      const allowed = strangers.reserve(`192.0.2.${number}`, MUCH);
      bytes += allowed.bytes;
      objects += allowed.objects;
    }
    expect([bytes, objects]).toEqual([16 * LIMITS.bytes, 16 * LIMITS.objects]);
  });

  it('have few git slots of their own, and a short queue', async () => {
    const { strangerPushes: pushes } = boundedPushes({ ...LIMITS, slots: 2 }, new InstantClock());
    const slots = pushes?.slots;
    // As in the server, each push has a signal of its own.
    const acquire = (address: string) => slots?.acquire(address, new AbortController().signal, 'push');
    const held = [1, 2].map((number) => acquire(`192.0.2.${number}`));
    await Promise.all(held);
    const waiting = Array.from({ length: 16 }, (_, number) => acquire(`192.0.2.${3 + number}`));
    expect(slots?.contended).toBe(true);
    await expect(acquire('192.0.2.100')).rejects.toMatchObject({ kind: 'busy' });
    for (const release of held) (await release)?.();
    for (const release of waiting) (await release)?.();
    expect(slots?.contended).toBe(false);
  });

  it('are limited in total, and addresses are remembered only as long as they matter', () => {
    const { clock, traffic: strangers } = traffic();
    let taken = 0;
    const address = () => `10.${taken >> 16}.${(taken >> 8) & 255}.${taken & 255}`;
    const enterAll = () => {
      for (; ; taken++) strangers.enter(address(), 0);
    };
    expect(enterAll).toThrow('pushes that all addresses together may make');
    expect(taken).toBe(16 * 120);
    expect(strangers.remembered, 'nobody is remembered for what was refused').toBe(taken);
    for (let round = 0; round < 8; round++) {
      clock.advance(3_600_000);
      expect(enterAll).toThrow('pushes that all addresses together may make');
    }
    expect(strangers.remembered).toBeLessThan(taken);
  });
});
