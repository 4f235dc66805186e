import { expect, test } from 'vitest';
import { zeroId } from '../../../../src/git/object-id.ts';
import { commandKind } from '../../../../src/git/refs/ref-command.ts';

test.each([
  ['create', '0', '1'],
  ['update', '1', '2'],
  ['delete', '1', '0'],
  ['delete', '0', '0'],
] as const)('a command is classified by its zero ids: %s', (kind, oldDigit, newDigit) => {
  for (const length of [zeroId('sha1').length, zeroId('sha256').length]) {
    const command = { name: 'refs/heads/a', oldId: oldDigit.repeat(length), newId: newDigit.repeat(length) };
    expect(commandKind(command)).toBe(kind);
  }
});
