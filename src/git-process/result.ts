import type { CairnError } from '../lib/errors.ts';

/**
 * How a git process ended. An exit code is a result, whatever its value; only a process that could not be
 * started is an exception, a {@link CairnError} of kind `unavailable`.
 */
export interface GitResult {
  /** null when a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** True when Cairn ended it: the caller's signal, or no place to write to. */
  readonly cancelled: boolean;
  /** The last part of standard error, at most 16 KiB. */
  readonly stderr: string;
}

/** What git and the libraries under it say when they get no memory (`wrapper.c`, `packfile.c`, `zlib.c`, `thread-utils.c`). */
const NO_MEMORY =
  /out of memory|cannot be mapped.*Cannot allocate memory|mmap failed: Cannot allocate memory|unable to create thread: (Resource temporarily unavailable|Cannot allocate memory)|(memory exhausted|bad_alloc)/i;

/** True when a process ended because it got no memory: most likely its limit. */
export function ranOutOfMemory({ exitCode, cancelled, stderr }: GitResult): boolean {
  return exitCode !== 0 && !cancelled && saysThatMemoryIsShort(stderr);
}

/** True when one of git's programs says in these words that it got no memory. */
export function saysThatMemoryIsShort(words: string): boolean {
  return NO_MEMORY.test(words);
}

/** The reason told of a git command that ran out of memory. */
export function needsMoreMemory(name: string): string {
  return `git ${name} needs more memory for this than it may have here (--git-memory)`;
}

/**
 * Why a process failed: that it ran out of memory, the line git died with (`fatal: …` or `error: …`), without its prefix, or a
 * sentence about how it ended.
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

/** Findings told of one failure; a tree or a commit can have one for each of its lines. */
const FINDINGS_TOLD = 10;

/**
 * What git's checks found wrong with objects: `object <id>: <rule>: <text>` each, the first ten of them. git names object and
 * rule in lines before the one it dies with, which says neither.
 */
export function checkFindings({ stderr }: Pick<GitResult, 'stderr'>): string[] {
  const findings = [...stderr.matchAll(/^error: (object [0-9a-f]{40,64}: [^\r\n]+)$/gm)];
  return findings.slice(0, FINDINGS_TOLD).map(([, finding = '']) => finding);
}
