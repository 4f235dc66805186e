import { describe, expect, it } from 'vitest';
import { BASE } from '../../../../src/web/assets/style/base.ts';
import { HIGHLIGHT } from '../../../../src/web/assets/style/highlight.ts';

/** The least contrast of text with its ground, as WCAG 2.2 asks for at level AA. */
const AA = 4.5;

describe.each(['light', 'dark'])('marked code in %s', (scheme) => {
  const variables = new Map([...palette(BASE, scheme), ...palette(HIGHLIGHT, scheme)]);
  const names = [...variables.keys()].filter((name) => name.startsWith('--code-'));

  it.each(['--raised', '--ground', '--marked', '--added', '--deleted'])('can be read on %s', (ground) => {
    expect(names.length).toBeGreaterThan(5);
    for (const name of ['--text', ...names])
      expect(contrast(variables.get(name) ?? '', variables.get(ground) ?? ''), name).toBeGreaterThan(AA);
  });
});

/** The variables of a style sheet: those of `:root`, and in the dark those that replace them. */
function palette(style: string, scheme: string): [name: string, colour: string][] {
  const [light = '', dark = ''] = style.split('@media (prefers-color-scheme: dark)');
  const read = (text: string) =>
    [...text.matchAll(/(--[\w-]+): (#[0-9a-f]{6})/g)].map(([, name = '', colour = '']): [string, string] => [
      name,
      colour,
    ]);
  return scheme === 'light' ? read(light) : [...read(light), ...read(dark)];
}

/** The contrast of two colours as WCAG defines it. */
function contrast(one: string, other: string): number {
  const [a, b] = [luminance(one), luminance(other)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
