/** The colours of a style sheet, and how well they can be told apart. */

/** The variables of a style sheet: those of `:root`, and in the dark those that replace them. */
export function paletteOf(style: string, scheme: 'light' | 'dark'): ReadonlyMap<string, string> {
  const [light = '', dark = ''] = style.split('@media (prefers-color-scheme: dark)');
  const read = (text: string) =>
    [...text.matchAll(/(--[\w-]+): (#[0-9a-f]{6})/g)].map(([, name = '', colour = '']): [string, string] => [
      name,
      colour,
    ]);
  return new Map(scheme === 'light' ? read(light) : [...read(light), ...read(dark)]);
}

/** The contrast of two colours as WCAG defines it. @param one and @param other names of variables */
export function contrast(colours: ReadonlyMap<string, string>, one: string, other: string): number {
  const [a, b] = [luminance(colours.get(one) ?? ''), luminance(colours.get(other) ?? '')];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
