import { describe, expect, it } from 'vitest';
import { HIGHLIGHT } from '../../../../src/web/assets/style/highlight.ts';
import { PALETTE } from '../../../../src/web/assets/style/palette.ts';
import { STYLE } from '../../../../src/web/assets/style.ts';
import { contrast, paletteOf } from '../../../helpers/contrast.ts';

const TEXT = 4.5;
const PARTS = 3;
const GROUNDS = ['--ground', '--raised', '--sunken'];
const NOTES = ['--note', '--tip', '--important', '--warning', '--caution'];
const LANGUAGES = Array.from({ length: 7 }, (_, at) => `--language-${at}`);

/** Which colours stand on which grounds, and the least contrast that WCAG 2.2 asks for at level AA. */
const PAIRS: readonly (readonly [names: readonly string[], grounds: readonly string[], least: number])[] = [
  [['--text', '--quiet', '--accent'], GROUNDS, TEXT],
  [['--text'], ['--marked', '--added', '--deleted'], TEXT],
  [['--quiet'], ['--marked', '--added', '--deleted'], TEXT],
  [NOTES, ['--sunken', '--raised'], TEXT],
  [['--tip', '--caution'], GROUNDS, TEXT],
  [['--edge', ...LANGUAGES], GROUNDS, PARTS],
];

describe.each(['light', 'dark'] as const)('the colours of pages in %s', (scheme) => {
  const colours = paletteOf(PALETTE, scheme);

  it('have enough contrast with their backgrounds', () => {
    for (const [names, grounds, least] of PAIRS)
      for (const name of names)
        for (const ground of grounds)
          expect(contrast(colours, name, ground), `${name} on ${ground}`).toBeGreaterThanOrEqual(least);
  });

  it('are all in the palette: no other part of the style sheet has colours', () => {
    const rest = STYLE.replace(PALETTE, '')
      .replace(HIGHLIGHT, '')
      .replace(/@media print \{[\s\S]*?\n\}/g, '')
      .replace(/url\("[^"]*"\)/g, '');
    expect(rest.match(/#[0-9a-f]{3,8}\b(?=[;\s])|\brgba?\(|\bhsl/g) ?? []).toEqual([]);
  });
});

it('the dark theme has every colour of the light one', () => {
  const [light, dark] = [paletteOf(PALETTE, 'light'), paletteOf(PALETTE, 'dark')];
  const changed = [...light.keys()].filter((name) => light.get(name) !== dark.get(name));
  expect(changed).toEqual([...light.keys()]);
});
