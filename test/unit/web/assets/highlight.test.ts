import { describe, expect, it } from 'vitest';
import { HIGHLIGHT } from '../../../../src/web/assets/style/highlight.ts';
import { PALETTE } from '../../../../src/web/assets/style/palette.ts';
import { contrast, paletteOf } from '../../../helpers/contrast.ts';

/** The least contrast of text with its ground, as WCAG 2.2 asks for at level AA. */
const AA = 4.5;

describe.each(['light', 'dark'] as const)('highlighted code in %s', (scheme) => {
  const variables = new Map([...paletteOf(PALETTE, scheme), ...paletteOf(HIGHLIGHT, scheme)]);
  const names = [...variables.keys()].filter((name) => name.startsWith('--code-'));

  const changed = ['--added', '--deleted', '--added-word', '--deleted-word'];

  it.each(['--raised', '--ground', '--sunken', '--marked', ...changed])('is readable on %s', (ground) => {
    expect(names.length).toBeGreaterThan(5);
    for (const name of ['--text', ...names])
      expect(contrast(variables, name, ground), name).toBeGreaterThan(AA);
  });
});
