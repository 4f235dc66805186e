import { expect, it } from 'vitest';
import { PageTraffic } from '../../../src/web/page-traffic.ts';
import { robotsText } from '../../../src/web/robots.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

it('an address may use two minutes of work at once, and then a quarter of a second per second', async () => {
  const clock = new ManualClock();
  const traffic = new PageTraffic(clock);
  for (let page = 0; page < 120; page++) {
    expect(traffic.admit('192.0.2.1')).toBe(0);
    traffic.charge('192.0.2.1', 1);
  }
  // It owes the least of each page: 120 ms, and needs a whole second of work.
  expect(traffic.admit('192.0.2.1')).toBe(5);
  expect(traffic.admit('192.0.2.2')).toBe(0);
  await clock.advance(5_000);
  expect(traffic.admit('192.0.2.1')).toBe(0);
  traffic.charge('192.0.2.1', 1_000);
  expect(traffic.admit('192.0.2.1')).toBeGreaterThan(3_000);
});

it('cached pages cost almost nothing', () => {
  const traffic = new PageTraffic(new ManualClock());
  for (let page = 0; page < 100_000; page++) expect(traffic.admit('192.0.2.1')).toBe(0);
});

it('robots may read files of branches, and no page of a single commit', () => {
  const lines = robotsText('/base').split('\n');
  expect(lines).toContain('Disallow: /base/*/*/commit/');
  expect(lines).toContain('Disallow: /base/*/*/raw/');
  expect(lines).not.toContain('Disallow: /base/*/*/file/');
});
