import type { CairnError } from '../lib/errors.ts';

/**
 * The result of a git process. Every exit code is a result. Only a process that cannot be started causes an exception, a
 * {@link CairnError} of kind `unavailable`.
 */
export interface GitResult {
  /** null if a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** True if Cairn ended it: the caller's signal was aborted, or its output could not be written. */
  readonly cancelled: boolean;
  /** The last part of standard error, at most 16 KiB. */
  readonly stderr: string;
}

/** Messages of git and its libraries when they get no memory (`wrapper.c`, `packfile.c`, `zlib.c`, `thread-utils.c`). */
const NO_MEMORY =
  /out of memory|cannot be mapped.*Cannot allocate memory|mmap failed: Cannot allocate memory|unable to create thread: (Resource temporarily unavailable|Cannot allocate memory)|(memory exhausted|bad_alloc)/i;

/** What git's checks say of an object. A part of it may be text in the object, such as the name of a tag. */
const ABOUT_AN_OBJECT = /(?:error|warning): object [0-9a-f]{40,64}: [^\n]*/g;

/** What git says of itself and of the machine: standard error without what git's checks say of objects, which clients choose. */
export function ownWords({ stderr }: Pick<GitResult, 'stderr'>): string {
  return stderr.replace(ABOUT_AN_OBJECT, '');
}

/** The errors among git's own words, a line each. */
export function ownErrors(result: Pick<GitResult, 'stderr'>): string[] {
  return ownWords(result)
    .split(/[\r\n]+/)
    .filter((line) => /^(fatal|error): /.test(line));
}

/**
 * The text of the last bytes of standard error, in whole lines: where it is cut, what an object contains could pass for git's words.
 * @param most bytes that are kept
 */
export function tailText(kept: Buffer, most: number): string {
  const text = kept.toString('utf8');
  return kept.length < most ? text : text.slice(text.indexOf('\n') + 1);
}

/** True if a process failed because it got no memory, most likely because of its limit. */
export function ranOutOfMemory(result: GitResult): boolean {
  return result.exitCode !== 0 && !result.cancelled && saysThatMemoryIsShort(ownWords(result));
}

/** True if a process failed because there is no room on the disk, or in the quota of its user. */
export function ranOutOfDisk(result: Pick<GitResult, 'stderr'>): boolean {
  return ownErrors(result).some((line) => /No space left on device|Disk quota exceeded/i.test(line));
}

/** True if a text contains a message of git about missing memory. */
export function saysThatMemoryIsShort(words: string): boolean {
  return NO_MEMORY.test(words);
}

/** The reason for a git command that ran out of memory. */
export function needsMoreMemory(name: string): string {
  return `git ${name} needs more memory for this than it may have here (--git-memory)`;
}

/**
 * Why a process failed: that it ran out of memory, git's last `fatal: …` or `error: …` line without the prefix, or how it
 * ended.
 */
export function failureReason(name: string, result: GitResult): string {
  if (ranOutOfMemory(result)) {
    return needsMoreMemory(name);
  }
  const lines = result.stderr.split(/[\r\n]+/).filter((line) => line.length > 0);
  const fatal =
    lines.findLast((line) => line.startsWith('fatal: ')) ??
    lines.findLast((line) => line.startsWith('error: '));
  if (fatal !== undefined) return fatal.replace(/^(fatal|error): /, '');
  if (result.signal !== null) return `git ${name} was ended by ${result.signal}`;
  return `git ${name} ended with exit code ${result.exitCode}`;
}

/** Maximum number of findings reported for one failure: a tree or a commit can have one for each of its lines. */
const FINDINGS_REPORTED = 10;

/**
 * The first ten findings of git's object checks: `object <id>: <rule>: <text>` each. git prints them before its last line,
 * which names neither object nor rule.
 */
export function checkFindings({ stderr }: Pick<GitResult, 'stderr'>): string[] {
  const findings = [...stderr.matchAll(/^error: (object [0-9a-f]{40,64}: [^\r\n]+)$/gm)];
  return findings.slice(0, FINDINGS_REPORTED).map(([, finding = '']) => finding);
}
