import { writeFile } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { systemCode } from '../lib/errors.ts';
import type { GitCommand } from './commands.ts';

/** Milliseconds: Linux lets somebody who is not root change one such group in 100 ms, of all that there are. */
const BETWEEN_TRIES_MS = 150;

/**
 * Lowers the priority of a process that leads a session of its own. Its threads and children inherit it.
 *
 * Linux may treat each session as one group (`sched_autogroup_enabled`, on in most distributions). Between groups only their
 * own niceness counts, that of the processes within them does not: so both are set for what strangers have done. Folds have to come to
 * an end on a busy machine as well, so for them only the first is.
 * @param isOver true once the process has ended: it needs no processor any more
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
    // Anything else: this system has no such groups, or the process has ended.
    if (systemCode(error) !== 'EAGAIN') return;
    setTimeout(() => void standBackAsGroup(pid, niceness, isOver), BETWEEN_TRIES_MS).unref();
  }
}
