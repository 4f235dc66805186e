import { expect, it } from 'vitest';
import { processorTime } from '../../../src/git-process/processor-time.ts';

it.runIf(process.platform === 'linux')('the processor time of a process grows with its work', () => {
  const before = processorTime(process.pid) ?? 0;
  const { user, system } = process.cpuUsage();
  expect(before).toBeGreaterThan(0);
  expect(before).toBeLessThanOrEqual((user + system) / 1e6 + 0.1);
  const until = process.cpuUsage().user + 200_000;
  while (process.cpuUsage().user < until);
  expect(processorTime(process.pid)).toBeGreaterThan(before + 0.1);
});

it('the processor time of a missing process is unknown', () => {
  expect(processorTime(2 ** 30)).toBeUndefined();
});
