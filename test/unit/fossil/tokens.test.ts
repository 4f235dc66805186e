import { describe, expect, it } from 'vitest';
import { defossilize, fossilize, readable } from '../../../src/fossil/tokens.ts';

describe('a token', () => {
  it('has no white space, and gives the text back', () => {
    const text = 'a b\n\t\r\v\f\0\\s ä';
    expect(fossilize(text)).toBe('a\\sb\\n\\t\\r\\v\\f\\0\\\\s\\sä');
    expect(defossilize(fossilize(text))).toBe(text);
  });

  it('with a backslash that stands for nothing keeps what follows', () => {
    expect(defossilize('a\\qb\\')).toBe('aqb');
  });
});

describe('an error of a server can be read', () => {
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
