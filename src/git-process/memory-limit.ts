/**
 * The memory limit of git processes. Node cannot set one, so a shell sets it and then becomes git (`exec` keeps the process id,
 * and with it the group). git's own children inherit it.
 *
 * Limited is what a process cannot give back: heap, stacks of threads, private writable pages (RLIMIT_DATA). Packs that git maps
 * cost nothing while memory is short, so they count only against the address space (RLIMIT_AS), which is several times larger: a
 * repository may be larger than the limit.
 */
import { execFile } from 'node:child_process';
import { CairnError } from '../lib/errors.ts';
import { failureReason, type GitResult, ranOutOfMemory } from './result.ts';

/** A program and its arguments. */
export interface Program {
  readonly file: string;
  readonly args: readonly string[];
}

/** The shell that git needs anyway. */
const SHELL = '/bin/sh';

/** Bytes of address space for each byte of memory, and besides: git maps a pack in windows of up to 1 GiB, and an idx whole. */
const ADDRESSES_PER_BYTE = 4;
const ADDRESSES_BESIDES = 2 * 2 ** 30;

/**
 * A limit that is in force already and lower stays: raising it fails, and git is started all the same. The score makes Linux end
 * git before the server where the memory of the machine or container runs out.
 */
const LIMIT = [
  'ulimit -d "$1" 2>/dev/null',
  'ulimit -v "$2" 2>/dev/null',
  '{ echo 500 >/proc/self/oom_score_adj; } 2>/dev/null',
  'shift 2',
  'exec "$@"',
].join('; ');

/** Prints `set` if limits can be set, and what the program prints if they have no effect: none starts in 1 MiB. */
const PROBE = 'ulimit -d 65536 && ulimit -v 65536 && echo set && ulimit -v 1024 && exec "$@"';

/**
 * Puts the limit in front of a program.
 * @param memory bytes; undefined for no limit
 */
export function limitMemory(memory: number | undefined, program: Program): Program {
  if (memory === undefined) return program;
  const kibibytes = (bytes: number) => String(Math.ceil(bytes / 1024));
  const addresses = ADDRESSES_PER_BYTE * memory + ADDRESSES_BESIDES;
  const limits = [kibibytes(memory), kibibytes(addresses)];
  return { file: SHELL, args: ['-c', LIMIT, 'sh', ...limits, program.file, ...program.args] };
}

/**
 * Finds out whether this system lets processes be limited; Linux does.
 * @param binary the git to try it with
 * @param memory bytes
 * @param onNone told when limits cannot be set, or have no effect
 * @returns what to limit git to: `memory`, or nothing
 */
export async function usableMemoryLimit(
  binary: string,
  memory: number,
  onNone: (problem: string) => void,
): Promise<{ readonly memory?: number }> {
  if (await canBeLimited(binary)) return { memory };
  onNone('this system does not limit the memory of processes: --git-memory has no effect');
  return {};
}

function canBeLimited(binary: string): Promise<boolean> {
  return new Promise((resolve) => {
    const child = execFile(SHELL, ['-c', PROBE, 'sh', binary, 'version'], (_error, stdout) =>
      resolve(stdout.trim() === 'set'),
    );
    child.stdin?.end();
  });
}

/** True when the shell that sets the limit could not start the program: POSIX has these two exit codes for it. */
export function isNotStarted({ exitCode, stderr }: Pick<GitResult, 'exitCode' | 'stderr'>): boolean {
  return (exitCode === 126 || exitCode === 127) && /^(\/bin\/)?sh: /.test(stderr);
}

/**
 * Makes sure that a process has come to an answer, whatever it is: its exit code means something.
 * @throws CairnError `too-large` when it ran out of memory; `unavailable` when a signal ended it
 */
export function mustHaveAnswered(name: string, result: GitResult): void {
  if (ranOutOfMemory(result)) throw new CairnError('too-large', failureReason(name, result));
  if (result.signal !== null) throw new CairnError('unavailable', failureReason(name, result));
}
