import { describe, expect, it } from 'vitest';
import { canonicalJson, type JsonValue } from '../../../src/lib/canonical-json.ts';

/** The test data published with RFC 8785, without the files about floating point, which Cairn has none of. */
const VECTORS: readonly (readonly [name: string, input: string, output: string])[] = [
  ['arrays', '[56, {"d": true, "10": null, "1": []}]', '[56,{"1":[],"10":null,"d":true}]'],
  [
    'french',
    '{"peach": "This sorting order", "péché": "is wrong according to French", "pêche": "but canonicalization MUST", "sin": "ignore locale"}',
    '{"peach":"This sorting order","péché":"is wrong according to French","pêche":"but canonicalization MUST","sin":"ignore locale"}',
  ],
  [
    'structures',
    '{"1": {"f": {"f": "hi", "F": 5}, "\\n": 56.0}, "10": {}, "": "empty", "a": {}, "111": [{"e": "yes", "E": "no"}], "A": {}}',
    '{"":"empty","1":{"\\n":56,"f":{"F":5,"f":"hi"}},"10":{},"111":[{"E":"no","e":"yes"}],"A":{},"a":{}}',
  ],
  ['unicode', '{"Unnormalized Unicode": "A\\u030a"}', '{"Unnormalized Unicode":"A\u030a"}'],
  [
    'weird',
    '{"\\u20ac": "Euro Sign", "\\r": "Carriage Return", "\\u000a": "Newline", "1": "One", "\\u0080": "Control\\u007f", "\\ud83d\\ude02": "Smiley", "\\u00f6": "Latin Small Letter O With Diaeresis", "\\ufb33": "Hebrew Letter Dalet With Dagesh", "</script>": "Browser Challenge"}',
    '{"\\n":"Newline","\\r":"Carriage Return","1":"One","</script>":"Browser Challenge","\u0080":"Control\u007f","ö":"Latin Small Letter O With Diaeresis","€":"Euro Sign","😂":"Smiley","\ufb33":"Hebrew Letter Dalet With Dagesh"}',
  ],
  [
    'the string of section 3.2.2',
    '{"string": "\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/", "literals": [null, true, false]}',
    '{"literals":[null,true,false],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  ],
];

describe('canonical JSON', () => {
  it.each(VECTORS)('writes %s as RFC 8785 does', (_name, input, output) => {
    expect(canonicalJson(JSON.parse(input) as JsonValue)).toBe(output);
  });

  it('writes parsed JSON unchanged', () => {
    for (const [, , output] of VECTORS) expect(canonicalJson(JSON.parse(output) as JsonValue)).toBe(output);
  });

  it.each([
    [0, '0'],
    [-0, '0'],
    [-1, '-1'],
    [Number.MAX_SAFE_INTEGER, '9007199254740991'],
  ])('writes the whole number %d', (number, output) => {
    expect(canonicalJson(number)).toBe(output);
  });

  it.each([0.5, Number.MAX_SAFE_INTEGER + 1, 1e21, Number.NaN, Number.POSITIVE_INFINITY])(
    'refuses the number %d, which programs print differently',
    (number) => {
      expect(() => canonicalJson({ number })).toThrow(TypeError);
    },
  );

  it.each([{ key: '\ud800' }, { '\udc00': 1 }, ['a\ud83d']])('refuses a lone surrogate in %j', (value) => {
    expect(() => canonicalJson(value as JsonValue)).toThrow(TypeError);
  });
});
