import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { withLastArgument } from '../../../src/git-process/last-argument.ts';
import { limitMemory } from '../../../src/git-process/memory-limit.ts';

const MIB = 1024 * 1024;
const ALL = Buffer.from(Array.from({ length: 255 }, (_, at) => at + 1));

it.each([
  ['every byte but NUL', ALL],
  ['line feeds at the end', Buffer.from('a\n\n')],
  ['nothing', Buffer.alloc(0)],
  ['a dot', Buffer.from('.')],
  ['what shells expand', Buffer.from('$(exit 1) `x` $HOME * ~ \\ %s -n "\'')],
])('the last argument may be %s, with and without a memory limit', (_, argument) => {
  for (const memory of [undefined, 512 * MIB]) {
    const program = withLastArgument({ file: 'printf', args: ['[%s]', '--'] }, argument);
    const { file, args } = limitMemory(memory, program);
    const printed = execFileSync(file, args, { env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' } });
    expect(printed.toString('latin1')).toBe(`[--][${argument.toString('latin1')}]`);
  }
});

it('a program without arguments stays unchanged', () => {
  const program = { file: 'git', args: ['version'] };
  expect(withLastArgument(program, undefined)).toBe(program);
});
