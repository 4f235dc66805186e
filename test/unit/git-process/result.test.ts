import { describe, expect, it } from 'vitest';
import { failureReason, type GitResult } from '../../../src/git-process/result.ts';

function result(parts: Partial<GitResult>): GitResult {
  return { exitCode: 1, signal: null, cancelled: false, stderr: '', ...parts };
}

describe('why a git process failed', () => {
  it.each([
    ['what it died of', { stderr: 'Receiving objects\nerror: one\nfatal: two\n' }, 'two'],
    ['its last error', { stderr: 'error: one\nerror: two\nhint: three\n' }, 'two'],
    [
      'what it died of, behind its progress',
      { stderr: 'Resolving 10%\rResolving 20%\rfatal: broken\n' },
      'broken',
    ],
    ['the signal', { exitCode: null, signal: 'SIGKILL' }, 'git x was ended by SIGKILL'],
    ['the exit code', { exitCode: 128, stderr: 'usage\n' }, 'git x ended with exit code 128'],
  ] satisfies [string, Partial<GitResult>, string][])('is told by %s', (_what, parts, reason) => {
    expect(failureReason('x', result(parts))).toBe(reason);
  });
});
