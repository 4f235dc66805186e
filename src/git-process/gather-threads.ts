/**
 * Threads of git that mostly wait for each other are put on one processor. index-pack checks each object under one lock: with many small
 * objects, its threads take twice the time of the processor for what one thread does as fast. How many threads it has is decided
 * when it starts, when nobody knows what the objects are like. So it is seen while it works: threads that wait for a lock give
 * up their processor some 40 times in a millisecond, threads that work on files of 15 KB 3 times.
 */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { systemClock } from '../lib/clock.ts';
import { systemCode } from '../lib/errors.ts';

/** What is known of the threads of a process. */
export interface ThreadFigures {
  readonly threads: number;
  /** How often they have given up their processor to wait for something. */
  readonly waits: number;
}

/** What this needs of the system. It tells at once, since a busy server would get around to an answer when half of the work is done. */
export interface ThreadSystem {
  /** Undefined once the process has ended, and where the system does not tell. */
  figures(pid: number): ThreadFigures | undefined;
  /** The processor that a process ran on last, and all that it may run on, as taskset(1) takes them; undefined as above. */
  processors(pid: number): { readonly last: string; readonly all: string } | undefined;
  /** Lets all threads of a process run on these processors alone. @returns false where that is not possible */
  bind(pid: number, processors: string): Promise<boolean>;
  /** Milliseconds of a clock that goes on evenly. */
  now(): number;
  /** Ends early, and without an error, when the signal is aborted. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}

/** How often threads that mostly wait for each other give up their processors, in a millisecond. */
const MOST_WAITS = 10;
/** Milliseconds between two looks. A look takes a tenth of one. */
const BETWEEN_LOOKS = 20;
/**
 * Milliseconds that threads stay on one processor before they are released and measured again, because large files may follow folders: the
 * first time, and at most. The time doubles, since each binding starts a program.
 */
const FIRST_REVIEW = 1_000;
const LONGEST_REVIEW = 4_000;
/** Milliseconds that binding may take. */
const BINDING = 1_000;

/** Processors that processes have been put on: two would share one while another has nothing to do. */
const taken = new Set<string>();

/** How long a process is watched. */
export interface Watch {
  /** Aborted once the process has ended: then its id may be that of another one. */
  readonly over: AbortSignal;
  /** Aborted when the threads may have all processors again; absent if only the end of the process ends the watch. */
  readonly release?: AbortSignal;
}

/** Watches a process. Where the system has no such figures, or no taskset(1), nothing happens. */
export async function gatherThreads(
  pid: number,
  { over, release }: Watch,
  system: ThreadSystem = linux,
): Promise<void> {
  const done = release === undefined ? over : AbortSignal.any([over, release]);
  let before: (ThreadFigures & { readonly at: number }) | undefined;
  let review = FIRST_REVIEW;
  while (!done.aborted) {
    await system.sleep(BETWEEN_LOOKS, done);
    const figures = done.aborted ? undefined : system.figures(pid);
    if (figures === undefined) return;
    const at = system.now();
    const waits = before === undefined ? 0 : (figures.waits - before.waits) / (at - before.at);
    before = figures.threads > 1 ? { ...figures, at } : undefined;
    if (waits <= MOST_WAITS) continue;
    if (!(await onOneProcessor(pid, { over, done }, system, review))) return;
    review = Math.min(2 * review, LONGEST_REVIEW);
    before = undefined;
  }
}

/**
 * @param review milliseconds until all processors are given back
 * @returns false where it need not be tried again
 */
async function onOneProcessor(
  pid: number,
  { over, done }: { readonly over: AbortSignal; readonly done: AbortSignal },
  system: ThreadSystem,
  review: number,
): Promise<boolean> {
  const processors = system.processors(pid);
  if (processors === undefined) return false;
  const { last, all } = processors;
  if (taken.has(last)) return true;
  taken.add(last);
  try {
    if (!(await system.bind(pid, last))) return false;
    await system.sleep(review, done);
    return !over.aborted && (await system.bind(pid, all));
  } finally {
    taken.delete(last);
  }
}

/** Linux, by proc(5) and taskset(1). */
export const linux: ThreadSystem = {
  figures: (pid) => {
    const threads = entriesOf(`/proc/${pid}/task`);
    const texts = threads.map((thread) => textOf(`/proc/${pid}/task/${thread}/status`));
    if (threads.length === 0) return undefined;
    const waits = texts.map((text) => Number(/^voluntary_ctxt_switches:\s*(\d+)$/m.exec(text)?.[1] ?? 0));
    return { threads: threads.length, waits: waits.reduce((sum, each) => sum + each, 0) };
  },
  processors: (pid) => {
    const stat = textOf(`/proc/${pid}/stat`);
    // The field `processor`, counted from the one behind the name (proc_pid_stat(5)).
    const last = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[36];
    const all = /^Cpus_allowed_list:\s*([\d,-]+)$/m.exec(textOf(`/proc/${pid}/status`))?.[1];
    return last === undefined || all === undefined || !/^\d+$/.test(last) ? undefined : { last, all };
  },
  bind: (pid, processors) =>
    new Promise((resolve) => {
      const args = ['-a', '-p', '-c', processors, String(pid)];
      execFile('taskset', args, { timeout: BINDING }, (error) => resolve(error === null));
    }),
  now: () => systemClock.monotonic(),
  sleep: async (milliseconds, signal) => {
    await systemClock.sleep(milliseconds, signal).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  },
};

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return [];
  }
}

/** Empty for what is gone, or never was. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return '';
  }
}
