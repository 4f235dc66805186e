import { writeFile } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { systemCode } from '../lib/errors.ts';
import type { GitCommand } from './commands.ts';

/** Milliseconds: on Linux, a user who is not root may change one group of all in 100 ms. */
const BETWEEN_TRIES_MS = 150;

/**
 * Lowers the priority of a process that leads its own session. Its threads and children inherit the priority.
 *
 * Linux may schedule each session as one group (`sched_autogroup_enabled`, on in most distributions). Between groups only the
 * niceness of the groups counts, not that of their processes. So both are set for work of strangers. A fold must come to its end
 * on a busy machine, too, so for a fold only the niceness of the process is set.
 * @param isOver true once the process has ended
 */
export function standBack(
  pid: number,
  { niceness = 0, standsBackAsSession = false }: Pick<GitCommand, 'niceness' | 'standsBackAsSession'>,
  isOver: () => boolean,
): void {
  try {
    setPriority(pid, niceness);
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
  }
  if (standsBackAsSession) void standBackAsGroup(pid, niceness, isOver);
}

async function standBackAsGroup(pid: number, niceness: number, isOver: () => boolean): Promise<void> {
  if (isOver()) return;
  try {
    await writeFile(`/proc/${pid}/autogroup`, String(niceness));
  } catch (error) {
    // With another error, the system has no such groups, or the process has ended.
    if (systemCode(error) !== 'EAGAIN') return;
    setTimeout(() => void standBackAsGroup(pid, niceness, isOver), BETWEEN_TRIES_MS).unref();
  }
}
