/** Tells failures of git that will repeat from those that will not. */
import { CairnError } from '../lib/errors.ts';
import { failureReason, type GitResult, ranOutOfMemory } from './result.ts';

/**
 * git crashed, needs more memory than its limit, or failed with an exit code. The same objects make it fail again, so
 * retrying soon is useless.
 */
export class GitRefusal extends CairnError {}

/** Signals that are sent to end a process: they say nothing about its work. */
const SENT: ReadonlySet<NodeJS.Signals | null> = new Set(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT']);

/** Messages of git for faults of the machine (strerror(3), and git's own about starting processes). */
const MACHINE =
  /No space left|quota exceeded|Input\/output error|Read-only file system|Too many open files|Permission denied|Resource temporarily unavailable|cannot fork|unable to fork|is not a git command/i;

/**
 * The error for a process that failed.
 * @param work what it was to do, for the message
 * @returns a {@link GitRefusal} of kind `too-large` (signal, memory, depth) or `corrupt`; a CairnError of kind `unavailable` if
 *   the machine is at fault or somebody ended the process
 */
export function failureOf(work: string, name: string, result: GitResult): CairnError {
  const { cancelled, signal, stderr } = result;
  const text = `git could not ${work}: ${reasonOf(name, result)}`;
  if (cancelled || SENT.has(signal)) return new CairnError('unavailable', text);
  if (signal !== null || ranOutOfMemory(result)) return new GitRefusal('too-large', text);
  if (MACHINE.test(stderr)) return new CairnError('unavailable', text);
  return new GitRefusal(/tree depth/.test(stderr) ? 'too-large' : 'corrupt', text);
}

/** Command and signal come first: what git printed before it crashed may be about something else. */
function reasonOf(name: string, result: GitResult): string {
  const reason = failureReason(name, result);
  if (result.signal === null || ranOutOfMemory(result)) return reason;
  const how = `git ${name} was ended by ${result.signal}`;
  return reason === how ? how : `${how} (${reason})`;
}
