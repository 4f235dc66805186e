import { describe, expect, it } from 'vitest';
import { callerAddress } from '../../../../src/lib/caller-address.ts';
import { TokenBucket, takeFromAll } from '../../../../src/lib/token-bucket.ts';
import { Callers, perMinute } from '../../../../src/relay/client/caller-rates.ts';
import { InstantClock } from '../../../helpers/instant-clock.ts';

describe('a token bucket', () => {
  it('allows a burst, then its rate per second', () => {
    const clock = new InstantClock();
    const bucket = new TokenBucket({ perSecond: 2, burst: 3 }, clock);
    const take = () => takeFromAll([bucket], 1);
    expect([take(), take(), take(), take()]).toEqual([true, true, true, false]);
    clock.advance(499);
    expect(take()).toBe(false);
    clock.advance(1);
    expect([take(), take()]).toEqual([true, false]);
  });

  it('never holds more than a burst, however long it was unused', () => {
    const clock = new InstantClock();
    const bucket = new TokenBucket({ perSecond: 100, burst: 2 }, clock);
    clock.advance(3_600_000);
    expect(takeFromAll([bucket], 2)).toBe(true);
    expect(bucket.has(1)).toBe(false);
  });

  it('allows a cost above its capacity when it is full', () => {
    const clock = new InstantClock();
    const bucket = new TokenBucket({ perSecond: 1, burst: 5 }, clock);
    expect(takeFromAll([bucket], 50)).toBe(true);
    clock.advance(4_999);
    expect(takeFromAll([bucket], 50)).toBe(false);
    clock.advance(1);
    expect(takeFromAll([bucket], 50)).toBe(true);
  });

  it('loses nothing if another of several buckets is empty', () => {
    const clock = new InstantClock();
    const plenty = new TokenBucket({ perSecond: 1, burst: 10 }, clock);
    const empty = new TokenBucket({ perSecond: 1, burst: 1 }, clock);
    expect(takeFromAll([plenty, empty], 1)).toBe(true);
    expect(takeFromAll([plenty, empty], 1)).toBe(false);
    expect(plenty.has(9)).toBe(true);
  });
});

describe('callers', () => {
  const rates = {
    messages: { perSecond: 1, burst: 10 },
    events: { perSecond: 1, burst: 10 },
    stored: { events: perMinute(60), bytes: perMinute(60) },
  };

  it('share one allowance, however often they reconnect', () => {
    const callers = new Callers(rates, new InstantClock());
    const first = callers.enter('192.0.2.1');
    first.events.take(10);
    first.connections--;
    expect(callers.enter('192.0.2.1').events.has(1)).toBe(false);
    expect(callers.enter('192.0.2.2').events.has(1)).toBe(true);
    expect(callers.connectionsFrom('192.0.2.1')).toBe(1);
  });

  it('are forgotten when their buckets are full again, and not before', () => {
    const clock = new InstantClock();
    const callers = new Callers(rates, clock);
    const staying = callers.enter('198.51.100.1');
    const exhausted = callers.enter('198.51.100.2');
    exhausted.messages.take(10);
    exhausted.connections--;
    for (let number = 0; number < 9_998; number++) {
      callers.enter(`10.0.${number >> 8}.${number & 255}`).connections--;
    }
    expect(callers.remembered).toBe(10_000);
    callers.enter('203.0.113.1');
    expect(callers.remembered).toBe(3);
    expect(callers.connectionsFrom('198.51.100.1')).toBe(staying.connections);
    expect(callers.enter('198.51.100.2').messages.has(1)).toBe(false);
  });

  it('are remembered if they stored something lately', () => {
    const clock = new InstantClock();
    const callers = new Callers(rates, clock);
    const storing = callers.enter('198.51.100.1');
    storing.stored.bytes.take(60);
    storing.connections--;
    for (let number = 0; number < 10_000; number++) {
      callers.enter(`10.0.${number >> 8}.${number & 255}`).connections--;
    }
    expect(callers.enter('198.51.100.1').stored.bytes.has(1)).toBe(false);
  });
});

describe('the caller of an address', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['', ''],
  ])('%s is %s', (address, expected) => {
    expect(callerAddress(address)).toBe(expected);
  });
});
