import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { execaSync } from 'execa';
import { messageOf } from '../../src/lib/errors.ts';
import type { Wrapper } from '../cairn.ts';
import { memoryOfTree } from '../process-figures.ts';

/** Bounds what a server and its children may hold together. */
export interface MemoryLimit {
  /** How it is kept, for the report. */
  readonly kind: 'control group' | 'watched';
  /** What the server is to be started by; absent where nothing but looking is possible. */
  readonly wrapper?: Wrapper;
  /** How many processes the kernel has killed because the limit was reached; 0 where nobody counts. */
  killed(): number;
  /** Removes the control group, whose processes have ended. */
  close(): Promise<void>;
}

const NAME = `cairn-abuse-${process.pid}`;

/** A control group where this process may make one, else none: the peak is then only looked at. */
export function limitMemory(bytes: number): MemoryLimit {
  for (const attempt of [secondVersion, firstVersion]) {
    try {
      return attempt(bytes);
    } catch (error) {
      process.stderr.write(`no control group (${messageOf(error)})\n`);
    }
  }
  return { kind: 'watched', killed: () => 0, close: async () => undefined };
}

/** cgroup v2: one tree, `memory.max`. */
function secondVersion(bytes: number): MemoryLimit {
  const folder = `/sys/fs/cgroup/${NAME}`;
  // A folder where v2 is not mounted would be a folder and nothing more.
  readFileSync('/sys/fs/cgroup/cgroup.controllers');
  mkdirSync(folder);
  return groupAt(folder, 'memory.max', bytes, () => {
    const events = readFileSync(`${folder}/memory.events`, 'utf8');
    return Number(/^oom_kill (\d+)$/m.exec(events)?.[1] ?? 0);
  });
}

/** cgroup v1: a tree for memory alone. */
function firstVersion(bytes: number): MemoryLimit {
  const folder = `/sys/fs/cgroup/memory/${NAME}`;
  mkdirSync(folder);
  return groupAt(folder, 'memory.limit_in_bytes', bytes, () => {
    const control = readFileSync(`${folder}/memory.oom_control`, 'utf8');
    return Number(/^oom_kill (\d+)$/m.exec(control)?.[1] ?? 0);
  });
}

function groupAt(folder: string, file: string, bytes: number, killed: () => number): MemoryLimit {
  try {
    writeFileSync(`${folder}/${file}`, String(bytes));
    execaSync('sh', ['-c', 'echo $$ > "$0/cgroup.procs"', folder]);
  } catch (error) {
    rmdirSync(folder);
    throw error;
  }
  return {
    kind: 'control group',
    wrapper: ['sh', '-c', 'echo $$ > "$0/cgroup.procs" && exec "$@"', folder],
    killed,
    close: async () => {
      // The kernel lets go of a group a moment after its last process has ended.
      for (let tries = 0; ; tries++) {
        try {
          rmdirSync(folder);
          return;
        } catch (error) {
          if (tries === 100) throw error;
          await setTimeout(50);
        }
      }
    },
  };
}

/** Looks at the memory of a server and its children every 50 ms, until it is stopped: the most there was, in bytes. */
export function watchPeak(root: number): { stop(): number } {
  let peak = 0;
  const look = () => {
    peak = Math.max(peak, memoryOfTree(root));
  };
  look();
  const timer = setInterval(look, 50);
  return {
    stop() {
      clearInterval(timer);
      look();
      return peak;
    },
  };
}
