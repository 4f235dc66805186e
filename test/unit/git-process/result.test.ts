import { describe, expect, it } from 'vitest';
import {
  checkFindings,
  failureReason,
  type GitResult,
  ranOutOfMemory,
} from '../../../src/git-process/result.ts';

function result(parts: Partial<GitResult>): GitResult {
  return { exitCode: 1, signal: null, cancelled: false, stderr: '', ...parts };
}

describe('the reason why a git process failed', () => {
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
  ] satisfies [string, Partial<GitResult>, string][])('comes from %s', (_what, parts, reason) => {
    expect(failureReason('x', result(parts))).toBe(reason);
  });
});

describe('the faults that git reports in objects (issue 11, point 16)', () => {
  const id = 'a'.repeat(40);

  it('are all lines that name an object and a rule, and no others', () => {
    const stderr = [
      'Receiving objects: 100%',
      `warning: object ${id}: gitignoreSymlink: a warning`,
      `error: object ${id}: missingEmail: no email`,
      `error: object ${id}: badDate: no date`,
      'error: something else',
      'fatal: fsck error in packed object',
    ].join('\n');
    expect(checkFindings({ stderr })).toEqual([
      `object ${id}: missingEmail: no email`,
      `object ${id}: badDate: no date`,
    ]);
  });

  it('are bounded', () => {
    const stderr = `error: object ${id}: badDate: no date\n`.repeat(1_000);
    expect(checkFindings({ stderr })).toHaveLength(10);
  });
});

describe('an out-of-memory failure (issue 11, point 3)', () => {
  it.each([
    'fatal: Out of memory, malloc failed (tried to allocate 41943041 bytes)',
    'fatal: Out of memory, realloc failed',
    'fatal: packfile ./objects/pack/pack-1.pack cannot be mapped: Cannot allocate memory',
    'fatal: mmap failed: Cannot allocate memory',
    'error: inflateInit: out of memory (no message)',
    'fatal: unable to create thread: Resource temporarily unavailable',
  ])('is recognized from %s', (stderr) => {
    expect(ranOutOfMemory(result({ exitCode: 128, stderr }))).toBe(true);
    expect(failureReason('x', result({ exitCode: 128, stderr }))).toMatch(/more memory.*--git-memory/);
    expect(ranOutOfMemory(result({ exitCode: 0, stderr }))).toBe(false);
    expect(ranOutOfMemory(result({ exitCode: null, cancelled: true, stderr }))).toBe(false);
  });

  it('is not recognized from other texts', () => {
    expect(ranOutOfMemory(result({ stderr: 'fatal: early EOF\n' }))).toBe(false);
  });
});
