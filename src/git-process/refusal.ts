/** Work that git cannot do, told apart from work that it can do later. */
import { CairnError } from '../lib/errors.ts';
import { failureReason, type GitResult, ranOutOfMemory } from './result.ts';

/**
 * git died by a signal that nobody sent, needs more memory than it may have, or says by its exit code that it cannot do this. The
 * same objects make it do the same again, so that trying again soon is in vain.
 */
export class GitRefusal extends CairnError {}

/** Signals that somebody sends to end a process: they tell nothing of its work. */
const SENT: ReadonlySet<NodeJS.Signals | null> = new Set(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT']);

/** What git says when the machine is at fault, not what it works on (strerror(3), and git's words for starting processes). */
const MACHINE =
  /No space left|quota exceeded|Input\/output error|Read-only file system|Too many open files|Permission denied|Resource temporarily unavailable|cannot fork|unable to fork|is not a git command/i;

/**
 * What is wrong with a process that has not done its work.
 * @param work what it was to do, for the message
 * @returns a {@link GitRefusal} of kind `too-large` (signal, memory, depth) or `corrupt`; a CairnError of kind `unavailable` when
 *   the machine is at fault, or somebody ended it
 */
export function failureOf(work: string, name: string, result: GitResult): CairnError {
  const { cancelled, signal, stderr } = result;
  const text = `git could not ${work}: ${reasonOf(name, result)}`;
  if (cancelled || SENT.has(signal)) return new CairnError('unavailable', text);
  if (signal !== null || ranOutOfMemory(result)) return new GitRefusal('too-large', text);
  if (MACHINE.test(stderr)) return new CairnError('unavailable', text);
  return new GitRefusal(/tree depth/.test(stderr) ? 'too-large' : 'corrupt', text);
}

/** Command and signal come first: what git said before it crashed may be about anything. */
function reasonOf(name: string, result: GitResult): string {
  const reason = failureReason(name, result);
  if (result.signal === null || ranOutOfMemory(result)) return reason;
  const how = `git ${name} was ended by ${result.signal}`;
  return reason === how ? how : `${how} (${reason})`;
}
