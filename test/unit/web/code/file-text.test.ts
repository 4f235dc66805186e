import { expect, it } from 'vitest';
import { encodingOf, wholeLines } from '../../../../src/web/code/file-text.ts';

it('a beginning that is cut within a character has the encoding of the whole', () => {
  for (const character of ['é', '€', '😀']) {
    const line = Buffer.from(`x${character.repeat(40)}`);
    for (let size = 2; size <= line.length; size++) {
      expect(encodingOf(wholeLines(line.subarray(0, size))), `${character} ${size}`).toBe('utf-8');
    }
  }
  const latin1 = Buffer.from('caf\u00e9 au lait', 'latin1');
  expect(encodingOf(wholeLines(latin1))).toBe('windows-1252');
  expect(wholeLines(Buffer.from('one\ntw')).toString()).toBe('one\n');
  expect(wholeLines(Buffer.alloc(0))).toHaveLength(0);
});
