import type { GitResult } from '../../git-process/result.ts';

/** The exit code of a git program that gives up with a reason of its own. */
const DIED = 128;

/**
 * What git says of requests that nobody can answer, whatever the state of the server: of lines that are none, of names and
 * objects that are not here, of capabilities that were not offered.
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

/** What git says of damage, of a disk or a memory that is full, of programs that cannot be started. */
const ABOUT_THE_SERVER =
  /corrupt|damaged|unable to|cannot|could not|can't|failed|failure|died|out of memory|memory exhausted|bad (object|tree|blob|commit|tag|config)|not a git repository|missing (object|blob|tree|commit)|broken|No such file|No space|Too many|Permission|Input\/output|mmap|fork|dubious|inflate|usage:|BUG/i;

/**
 * The reason for which `git upload-pack` refused a request: git itself is well, and ended with words about what it was asked.
 *
 * @returns one line without its prefix, free of local paths; undefined when git did not refuse, but broke: it was ended by
 *   a signal, said nothing, or complains of the repository or the machine
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

/** `text` with every absolute path in it left out: what git says to itself names folders of the server. */
export function withoutPaths(text: string): string {
  return text.replace(/(['"])\/.*?\1/g, '…').replace(/(^|[\s(=:])\/[^\s:,)]+/g, '$1…');
}
