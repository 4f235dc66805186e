import type { GitResult } from '../../git-process/result.ts';

/** The exit code of git's `die()`, which prints a reason. */
const DIED = 128;

/**
 * Messages of git about requests that it refuses, whatever the state of the server: malformed lines, unknown names and
 * objects, capabilities that were not offered.
 */
const ABOUT_THE_REQUEST = [
  /protocol error/,
  /unexpected line/,
  /expected SHA1|expected to get/,
  /not our ref/,
  /unknown ref /,
  /invalid shallow/,
  /[Ii]nvalid deepen/,
  /deepen and deepen-since/,
  /ambiguous deepen-not/,
  /no commits selected for shallow/,
  /object format/,
  /unknown capability|invalid command|no command requested|unknown feature/,
  /filter/,
  /sparse/,
];

/** Messages of git about damage, full disks, missing memory, and programs that cannot be started. */
const ABOUT_THE_SERVER =
  /corrupt|damaged|unable to|cannot|could not|can't|failed|failure|died|out of memory|memory exhausted|bad (object|tree|blob|commit|tag|config)|not a git repository|missing (object|blob|tree|commit)|broken|No such file|No space|Too many|Permission|Input\/output|mmap|fork|dubious|inflate|usage:|BUG/i;

/**
 * The reason why `git upload-pack` refused a request: it exited with a message about the request.
 *
 * @returns one line without its prefix and without local paths; undefined if git did not refuse but failed: a signal ended it,
 *   it printed no message, or the message is about the repository or the machine
 */
export function uploadRefusal(result: GitResult): string | undefined {
  if (result.exitCode !== DIED || result.signal !== null) return undefined;
  const lines = result.stderr.split(/[\r\n]+/).filter((line) => /^(fatal|error): /.test(line));
  const last = lines.findLast((line) => line.startsWith('fatal: ')) ?? lines.at(-1);
  if (last === undefined) return undefined;
  const reason = last.replace(/^(fatal|error): (git )?(upload-pack: )?/, '');
  const refused = ABOUT_THE_REQUEST.some((pattern) => pattern.test(reason));
  if (!refused && lines.some((line) => ABOUT_THE_SERVER.test(line))) return undefined;
  return withoutPaths(reason);
}

/** Removes every absolute path from `text`: git's messages may name folders of the server. */
export function withoutPaths(text: string): string {
  return text.replace(/(['"])\/.*?\1/g, '…').replace(/(^|[\s(=:])\/[^\s:,)]+/g, '$1…');
}
