import { describe, expect, it } from 'vitest';
import { defossilize, fossilize, readable } from '../../../src/fossil/tokens.ts';

describe('a token', () => {
  it('contains no white space, and is read back', () => {
    const text = 'a b\n\t\r\v\f\0\\s ä';
    expect(fossilize(text)).toBe('a\\sb\\n\\t\\r\\v\\f\\0\\\\s\\sä');
    expect(defossilize(fossilize(text))).toBe(text);
  });

  it('keeps characters after an unknown backslash escape', () => {
    expect(defossilize('a\\qb\\')).toBe('aqb');
  });
});

describe('an error text of a server is readable:', () => {
  it.each([
    ['bad\\scommand:\\sfrob\\n', 'bad command: frob\n'],
    ['malformed+file+line', 'malformed file line'],
    ['in+uvfile+line%2C+no', 'in uvfile line, no'],
    ['not authorized to write', 'not authorized to write'],
    ['100% of C++ is read', '100% of C++ is read'],
    ['50%zz+a', '50%zz a'],
    ['wrong%ffx', 'wrong%ffx'],
  ])('%j', (text, words) => {
    expect(readable(text)).toBe(words);
  });
});
