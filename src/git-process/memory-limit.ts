/**
 * The memory limit of git processes. Node cannot set one, so a shell sets it and then becomes git (`exec` keeps the process id
 * and the group). git's own children inherit the limit.
 *
 * RLIMIT_DATA limits memory that a process cannot give back: heap, thread stacks, private writable pages. The kernel can
 * drop mapped packs when memory is short, so they count only against the address space (RLIMIT_AS). That limit is several
 * times larger, so a repository may be larger than the memory limit.
 */
import { execFile } from 'node:child_process';
import { CairnError } from '../lib/errors.ts';
import { isFaultOfMachine } from './refusal.ts';
import { failureReason, type GitResult, ranOutOfMemory } from './result.ts';

/** A program and its arguments. */
export interface Program {
  readonly file: string;
  readonly args: readonly string[];
}

/** A POSIX shell; git needs one as well. */
const SHELL = '/bin/sh';

/** Address space for each byte of memory, and a fixed extra: git maps a pack in windows of up to 1 GiB, and each idx whole. */
const ADDRESSES_PER_BYTE = 4;
const ADDRESSES_BESIDES = 2 * 2 ** 30;

/**
 * A lower limit that is already in force stays: raising it fails, and git is started anyway. The oom_score_adj makes Linux
 * kill git before the server if the machine or container runs out of memory.
 */
const LIMIT = [
  'ulimit -d "$1" 2>/dev/null',
  'ulimit -v "$2" 2>/dev/null',
  '{ echo 500 >/proc/self/oom_score_adj; } 2>/dev/null',
  'shift 2',
  'exec "$@"',
].join('; ');

/** Prints `set` if limits can be set. If they have no effect, the program's output follows: no program starts in 1 MiB. */
const PROBE = 'ulimit -d 65536 && ulimit -v 65536 && echo set && ulimit -v 1024 && exec "$@"';

/**
 * Wraps a program in a shell that sets the limit.
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
 * Finds out whether this system can limit the memory of processes; Linux can.
 * @param binary the git to test with
 * @param memory bytes
 * @param onNone is called with a message if limits cannot be set or have no effect
 * @returns `memory` if it can be used as a limit, or nothing
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

/** True if the shell that sets the limit could not start the program. POSIX defines these two exit codes for it. */
export function isNotStarted({ exitCode, stderr }: Pick<GitResult, 'exitCode' | 'stderr'>): boolean {
  return (exitCode === 126 || exitCode === 127) && /^(\/bin\/)?sh: /.test(stderr);
}

/**
 * Checks that a process ended by itself and could do its work, so that its exit code has a meaning.
 * @throws CairnError `too-large` if it ran out of memory; `unavailable` if a signal ended it, or the machine is at fault
 */
export function mustHaveAnswered(name: string, result: GitResult): void {
  if (ranOutOfMemory(result)) throw new CairnError('too-large', failureReason(name, result));
  if (result.signal !== null || isFaultOfMachine(result))
    throw new CairnError('unavailable', failureReason(name, result));
}
