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

describe('what strangers push through one server (issue 11, point 8)', () => {
  it('is bounded in pushes of one address, and others are not kept from pushing by it', () => {
    const { clock, traffic: strangers } = traffic();
    const enter = (address: string) => strangers.enter(address, 0);
    for (let push = 0; push < 120; push++) enter('192.0.2.1');
    expect(() => enter('192.0.2.1')).toThrow('your address pushes more');
    // All addresses of one such network are one caller.
    for (let push = 0; push < 120; push++) enter(`2001:db8::${push.toString(16)}`);
    expect(() => enter('2001:db8::ffff')).toThrow('your address pushes more');
    enter('192.0.2.2');
    clock.advance(2_000);
    enter('192.0.2.1');
    expect(() => enter('192.0.2.1')).toThrow('try again');
  });

  it('costs an address more when it is refused, and nobody else (issue 11, point 8)', () => {
    const { clock, traffic: strangers } = traffic();
    const push = () => {
      strangers.enter('192.0.2.1', 0);
      strangers.refused('192.0.2.1');
    };
    for (let refused = 0; refused < 40; refused++) push();
    expect(push).toThrow('your address pushes more');
    expect(strangers.problemOf('192.0.2.1', 0)?.kind).toBe('busy');
    expect(strangers.problemOf('192.0.2.2', 10)).toBeUndefined();
    expect(strangers.remembered, 'nobody is remembered for a question').toBe(1);
    clock.advance(6_000);
    push();
    expect(push).toThrow('try again');
  });

  it('is bounded in refs of one address to less than half of those that may wait in a repository', () => {
    const { clock, traffic: strangers } = traffic();
    strangers.enter('192.0.2.1', 10);
    expect(() => strangers.enter('192.0.2.1', 1)).toThrow('your address');
    clock.advance(20 * 60_000);
    strangers.enter('192.0.2.1', 10);
  });

  it('is bounded in bytes and objects by hour, set aside before they come', () => {
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

  it('charges what git has added to a pack, beyond what was set aside', () => {
    const { traffic: strangers } = traffic();
    strangers.reserve('192.0.2.1', MUCH).settle({ bytes: 3_600, objects: 1 });
    expect(strangers.reserve('192.0.2.1', MUCH).bytes).toBe(0);
  });

  it('is bounded in bytes and objects of all addresses together to sixteen times those of one', () => {
    const { traffic: strangers } = traffic();
    let [bytes, objects] = [0, 0];
    for (let number = 0; number < 100; number++) {
      const allowed = strangers.reserve(`192.0.2.${number}`, MUCH);
      bytes += allowed.bytes;
      objects += allowed.objects;
    }
    expect([bytes, objects]).toEqual([16 * LIMITS.bytes, 16 * LIMITS.objects]);
  });

  it('has few places for git of its own, and few that wait for them', async () => {
    const { strangerPushes: pushes } = boundedPushes({ ...LIMITS, places: 2 }, new InstantClock());
    const places = pushes?.places;
    const { signal } = new AbortController();
    const held = [1, 2].map((number) => places?.acquire(`192.0.2.${number}`, signal, 'push'));
    await Promise.all(held);
    const waiting = Array.from({ length: 16 }, (_, number) =>
      places?.acquire(`192.0.2.${3 + number}`, signal, 'push'),
    );
    expect(places?.contended).toBe(true);
    await expect(places?.acquire('192.0.2.100', signal, 'push')).rejects.toMatchObject({ kind: 'busy' });
    for (const release of held) (await release)?.();
    for (const release of waiting) (await release)?.();
    expect(places?.contended).toBe(false);
  });

  it('is bounded in all, and remembers addresses only for as long as they matter', () => {
    const { clock, traffic: strangers } = traffic();
    let taken = 0;
    const address = () => `10.${taken >> 16}.${(taken >> 8) & 255}.${taken & 255}`;
    const enterAll = () => {
      for (; ; taken++) strangers.enter(address(), 0);
    };
    expect(enterAll).toThrow('strangers push more');
    expect(taken).toBe(16 * 120);
    expect(strangers.remembered, 'nobody is remembered for what was refused').toBe(taken);
    for (let round = 0; round < 8; round++) {
      clock.advance(3_600_000);
      expect(enterAll).toThrow('strangers push more');
    }
    expect(strangers.remembered).toBeLessThan(taken);
  });
});
