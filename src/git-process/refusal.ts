/** Tells failures of git that will repeat from those that will not. */
import { CairnError } from '../lib/errors.ts';
import { failureReason, type GitResult, ownErrors, ownWords, ranOutOfMemory } from './result.ts';

/**
 * git crashed, needs more memory than its limit, or failed with an exit code. The same objects make it fail again, so
 * retrying soon is useless.
 */
export class GitRefusal extends CairnError {}

/**
 * Signals that are sent to end a process: they say nothing about its work. SIGKILL comes from the kernel when the memory of the machine
 * or the container is used up, whoever used it. A limit of Cairn makes git say that it gets no memory.
 */
const SENT: ReadonlySet<NodeJS.Signals | null> = new Set([
  'SIGTERM',
  'SIGINT',
  'SIGHUP',
  'SIGQUIT',
  'SIGKILL',
]);

/** Messages of git for faults of the machine (strerror(3), and git's own about starting processes). */
const MACHINE =
  /No space left|quota exceeded|Input\/output error|Read-only file system|Too many open files|Permission denied|Resource temporarily unavailable|cannot fork|unable to fork|is not a git command/i;

/** True if a process failed for a reason that says nothing about its work: somebody ended it, or the machine is at fault. */
export function isFaultOfMachine(result: GitResult): boolean {
  if (result.exitCode === 0) return false;
  if (result.cancelled || SENT.has(result.signal)) return true;
  if (result.signal !== null || ranOutOfMemory(result)) return false;
  return ownErrors(result).some((line) => MACHINE.test(line));
}

/**
 * The error for a process that failed.
 * @param work what it was to do, for the message
 * @returns a {@link GitRefusal} of kind `too-large` (signal, memory, depth) or `corrupt`; a CairnError of kind `unavailable` if
 *   the machine is at fault or somebody ended the process
 */
export function failureOf(work: string, name: string, result: GitResult): CairnError {
  const text = `git could not ${work}: ${reasonOf(name, result)}`;
  if (result.signal === 'SIGKILL' && !result.cancelled) {
    const publicText = `git could not ${work}: the server seems to be short of memory, try again in a moment`;
    return new CairnError('unavailable', `${text}: the system may have run out of memory`, { publicText });
  }
  if (isFaultOfMachine(result)) return new CairnError('unavailable', text);
  if (result.signal !== null || ranOutOfMemory(result)) return new GitRefusal('too-large', text);
  return new GitRefusal(/tree depth/.test(ownWords(result)) ? 'too-large' : 'corrupt', text);
}

/** Command and signal come first: what git printed before it crashed may be about something else. */
function reasonOf(name: string, result: GitResult): string {
  const reason = failureReason(name, result);
  if (result.signal === null || ranOutOfMemory(result)) return reason;
  const how = `git ${name} was ended by ${result.signal}`;
  return reason === how ? how : `${how} (${reason})`;
}
