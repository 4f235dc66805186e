/**
 * How much memory this process and its children may use together: the machine's, or that of their control group (a
 * container). Linux enforces the smallest limit of the group and of all groups above it.
 */
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { systemCode } from './errors.ts';

/** Where each version of control groups is mounted, and which file has the limit (cgroups(7)). */
const VERSIONS = {
  2: { folder: '/sys/fs/cgroup', file: 'memory.max' },
  1: { folder: '/sys/fs/cgroup/memory', file: 'memory.limit_in_bytes' },
} as const;

/**
 * @param total memory of the machine in bytes
 * @param read the text of a file; undefined when it cannot be read
 * @returns bytes
 */
export function machineMemory(total = totalmem(), read = readIfThere): number {
  let least = total;
  for (const path of limitFiles(read('/proc/self/cgroup') ?? '')) {
    // A group without a limit has `max`, or a number larger than any machine's memory.
    const limit = Number(read(path)?.trim());
    if (limit > 0 && limit < least) least = limit;
  }
  return least;
}

/**
 * The files that may hold a limit: those of each group and of all groups above it. In a container the path may be the host's;
 * then only the root of the mount exists.
 * @param groups the text of /proc/self/cgroup
 */
function limitFiles(groups: string): string[] {
  const files: string[] = [];
  for (const line of groups.split('\n')) {
    const [, controllers = '', path = ''] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    const version = controllers === '' ? 2 : 1;
    if (path === '' || (version === 1 && !controllers.split(',').includes('memory'))) continue;
    const { folder, file } = VERSIONS[version];
    const names = path.split('/').filter((name) => name !== '' && name !== '..');
    for (let depth = names.length; depth >= 0; depth--)
      files.push([folder, ...names.slice(0, depth), file].join('/'));
  }
  return files;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return undefined;
  }
}
