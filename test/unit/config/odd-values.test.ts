import { describe, expect, it } from 'vitest';
import { readClientSettings } from '../../../src/config/client-settings.ts';
import { OPTIONS, type OptionName } from '../../../src/config/options.ts';
import { readSettings } from '../../../src/config/settings.ts';

/** What a person may type who has not read the description. */
const ODD = [
  ...['', ' ', '0', '-1', '+1', '1.5', '1e3', '0x10', ' 5', '99999999999999999999', '9007199254740993'],
  ...['abc', 'on ', 'ON', 'TRUE', '100GB', '8gib', '1000000TiB', '-1MiB', 'http://', 'http://a b', 'ftp://x'],
  ...[
    'file:',
    'file: ',
    's3://',
    's3:///x',
    's3:// /x',
    'npub1xyz',
    '127.0.0.1',
    'a:b:c',
    '\u0000',
    'x'.repeat(5000),
  ],
];

/** Undefined if the value is accepted, else what the user is told. */
function refusal(name: OptionName, commands: string, text: string): string | undefined {
  const read = commands === 'client' ? readClientSettings : readSettings;
  try {
    read({ [name]: text }, {});
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

describe.each(OPTIONS)('--$name', ({ name, commands, default: usual }) => {
  it('accepts its default', () => {
    expect(refusal(name, commands, usual)).toBeUndefined();
  });

  it('refuses odd values with a line that names it and says what is expected, if it refuses them', () => {
    for (const text of ODD) {
      const told = refusal(name, commands, text);
      if (told === undefined || /^--tls-cert and --tls-key go together/.test(told)) continue;
      const prefix = `--${name} is ${JSON.stringify(text)}: `;
      expect(told.slice(0, prefix.length)).toBe(prefix);
      // Words of a library would come with capitals, quotes of types and operators.
      expect(told.slice(prefix.length)).toMatch(/^(?:[a-z]+: )?expected [^\n"|=]*(?:bytes=[^\n"|]*)?$/);
    }
  });

  it('does not take a blank for a value', () => {
    const isFreeText = name === 'service-description' || name === 'mirror-allow';
    if (!isFreeText && usual !== '') expect(refusal(name, commands, ' ')).toContain('expected ');
  });
});

it.each([
  ['port', '65536', 'expected a whole number from 0 to 65535'],
  ['access', 'closed', 'expected signed, open or read-only'],
  ['fold', 'yes', 'expected on or off'],
  ['fossil-max-artifact', '2GiB', 'expected a size from 64KiB to 1GiB'],
  ['max-push-size', '0', 'expected a size from 1B'],
  ['cache-size', '9000TiB', 'expected a size below 8192TiB'],
  // These are checked although a store in a folder does not use them.
  ['s3-endpoint', 'example.org', 'expected http://… or https://…'],
  ['s3-path-style', 'maybe', 'expected true or false'],
  ['offload-expiry', '1', 'expected a whole number from 60 to 604800'],
] as const)('--%s %s: %s', (name, text, expected) => {
  expect(refusal(name, 'serve', text)).toBe(`--${name} is "${text}": ${expected}`);
});
