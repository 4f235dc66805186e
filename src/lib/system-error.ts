import { CairnError, systemCode } from './errors.ts';

/**
 * What the operating system has refused to this process, a file above all, as an error that a person can act on. A program cannot tell
 * at each call what to do about a full disk; the operator can.
 * @param error anything thrown
 * @returns CairnError `unavailable` for an error of the system; undefined for everything else
 */
export function localProblem(error: unknown): CairnError | undefined {
  if (!(error instanceof Error) || !('errno' in error) || !('syscall' in error)) return undefined;
  const hint = HINTS[systemCode(error) ?? ''];
  const what = hint === undefined ? 'this machine does not let it be done' : hint;
  return new CairnError('unavailable', `${what}: ${error.message}`, { cause: error });
}

const HINTS: Readonly<Record<string, string>> = {
  ENOSPC: 'no disk space is left on this machine (TMPDIR says where temporary files are)',
  EDQUOT: 'the disk quota of this user is used up (TMPDIR says where temporary files are)',
  EROFS: 'the disk can only be read',
  EACCES: 'this user may not use a file',
  EMFILE: 'this process has too many files open (ulimit -n)',
  ENFILE: 'this machine has too many files open',
};
