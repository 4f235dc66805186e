import { totalmem } from 'node:os';
import { describe, expect, it } from 'vitest';
import { machineMemory } from '../../../src/lib/machine-memory.ts';

const MIB = 2 ** 20;
const NONE_V1 = '9223372036854771712\n';

function memoryWith(files: Readonly<Record<string, string>>, total = 8_192 * MIB): number {
  return machineMemory(total, (path) => files[path]) / MIB;
}

describe('the memory of the machine', () => {
  it('is the physical memory if no control group limits it', () => {
    expect(memoryWith({})).toBe(8_192);
    expect(memoryWith({ '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/memory.max': 'max\n' })).toBe(8_192);
    expect(
      memoryWith({
        '/proc/self/cgroup': '4:memory:/\n0::/\n',
        '/sys/fs/cgroup/memory/memory.limit_in_bytes': NONE_V1,
      }),
    ).toBe(8_192);
  });

  it('is the limit of a container, at its root or under the path that the host knows', () => {
    const limit = `${2_048 * MIB}\n`;
    const v1 = '/sys/fs/cgroup/memory';
    expect(memoryWith({ '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/memory.max': limit })).toBe(2_048);
    expect(memoryWith({ '/proc/self/cgroup': '0::/../../x\n', '/sys/fs/cgroup/memory.max': limit })).toBe(
      2_048,
    );
    const groups = '11:cpu,cpuacct:/docker/1\n4:memory:/docker/1\n0::/\n';
    expect(memoryWith({ '/proc/self/cgroup': groups, [`${v1}/memory.limit_in_bytes`]: limit })).toBe(2_048);
    expect(memoryWith({ '/proc/self/cgroup': groups, [`${v1}/docker/1/memory.limit_in_bytes`]: limit })).toBe(
      2_048,
    );
  });

  it('is the smallest limit of all parent groups', () => {
    const files = {
      '/proc/self/cgroup': '0::/system.slice/cairn.service\n',
      '/sys/fs/cgroup/system.slice/cairn.service/memory.max': 'max\n',
      '/sys/fs/cgroup/system.slice/memory.max': `${1_024 * MIB}\n`,
    };
    expect(memoryWith(files)).toBe(1_024);
    expect(memoryWith(files, 512 * MIB)).toBe(512);
  });

  it('is a number of bytes on this machine', () => {
    expect(machineMemory()).toBeGreaterThan(64 * MIB);
    expect(machineMemory()).toBeLessThanOrEqual(totalmem());
  });
});
