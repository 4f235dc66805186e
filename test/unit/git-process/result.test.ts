import { describe, expect, it } from 'vitest';
import { failureOf, GitRefusal, isFaultOfMachine } from '../../../src/git-process/refusal.ts';
import {
  checkFindings,
  failureReason,
  type GitResult,
  ownWords,
  ranOutOfDisk,
  ranOutOfMemory,
  tailText,
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

describe('a fault of the machine', () => {
  const FAULTS = [
    'fatal: write error: Input/output error',
    'error: unable to open object pack directory: /x: Too many open files',
    'fatal: cannot fork to run pack-objects: Resource temporarily unavailable',
  ];
  const FULL = ['fatal: write error: No space left on device', 'fatal: unable to write: Disk quota exceeded'];
  const id = 'a'.repeat(40);

  it('is told from what git thinks of the objects', () => {
    for (const stderr of [...FAULTS, ...FULL].flatMap((line) => [line, `Resolving deltas: 9%\r${line}\n`])) {
      const failed = result({ exitCode: 128, stderr });
      expect(isFaultOfMachine(failed), stderr).toBe(true);
      expect(failureOf('fold', 'x', failed), stderr).toMatchObject({ kind: 'unavailable' });
      expect(isFaultOfMachine({ ...failed, exitCode: 0 })).toBe(false);
    }
    for (const line of FULL) expect(ranOutOfDisk({ stderr: line })).toBe(true);
    for (const line of FAULTS) expect(ranOutOfDisk({ stderr: line })).toBe(false);
    for (const stderr of [
      'fatal: bad object',
      'warning: unable to access x: Permission denied\nfatal: bad object',
    ])
      expect(failureOf('fold', 'x', result({ stderr }))).toBeInstanceOf(GitRefusal);
  });

  it('is the end of a process by a signal that somebody sent, and of one by the kernel for its memory', () => {
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      const failed = result({ exitCode: null, signal, stderr: 'error: object x: y\n' });
      expect(isFaultOfMachine(failed)).toBe(true);
      expect(failureOf('take in a pack', 'index-pack', failed)).toMatchObject({ kind: 'unavailable' });
    }
    const killed = failureOf('take in a pack', 'index-pack', result({ exitCode: null, signal: 'SIGKILL' }));
    expect(killed.message).toContain(
      'git index-pack was ended by SIGKILL: the system may have run out of memory',
    );
    expect(killed.publicText).toMatch(/short of memory, try again/);
    expect(isFaultOfMachine(result({ exitCode: null, signal: 'SIGSEGV' }))).toBe(false);
  });

  it('is not what an object says, whatever its author writes into it', () => {
    const words = [
      ...FAULTS,
      ...FULL,
      'Out of memory, malloc failed',
      'attempting to allocate 9 over limit 1',
    ];
    for (const word of words) {
      for (const begin of ['', '\u2028fatal: ', '\u2029error: ']) {
        for (const before of ['', 'Resolving deltas: 9%\r', 'a line\n']) {
          const line = `${before}warning: object ${id}: badTagName: invalid 'tag' name: ${begin}${word}`;
          const stderr = `${line}\nerror: object ${id}: x: ${begin}${word}\nfatal: fsck error in packed object\n`;
          const failed = result({ exitCode: 128, stderr });
          expect(isFaultOfMachine(failed), stderr).toBe(false);
          expect(ranOutOfDisk(failed), stderr).toBe(false);
          expect(ranOutOfMemory(failed), stderr).toBe(false);
          expect(ownWords(failed), stderr).not.toContain(word);
        }
      }
    }
  });

  it('is not read from the rest of a line that was cut', () => {
    const long = `warning: object ${id}: badTagName: invalid 'tag' name: ${FULL[0]}\nfatal: x\n`;
    for (let most = 1; most <= long.length; most++) {
      const stderr = tailText(Buffer.from(long).subarray(long.length - most), most);
      expect(ranOutOfDisk({ stderr }), stderr).toBe(false);
      if (most > 'fatal: x\n'.length) expect(stderr).toBe('fatal: x\n');
    }
    expect(tailText(Buffer.from('no line feed'), 12)).toBe('no line feed');
    expect(tailText(Buffer.from('short\n'), 12)).toBe('short\n');
  });
});
