const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** A size in a unit. */
interface InUnit {
  readonly size: number;
  readonly unit: (typeof UNITS)[number];
}

/** About how many bytes, for people: `1.5 MiB`, `2 MiB`. */
export function roughSize(bytes: number): string {
  return text(inLargestUnit(bytes), (size) => `${Number(size.toFixed(1))}`);
}

/** The same with one digit behind the point in any case, for numbers that change or stand below each other: `2.0 MiB`. */
export function roundedSize(bytes: number): string {
  return text(inLargestUnit(bytes), (size) => size.toFixed(1));
}

/** A number of bytes for people: `100 MiB`; in bytes if it is not a whole number of a larger unit. */
export function formatSize(bytes: number): string {
  return text(inLargestWholeUnit(bytes), (size) => `${size}`);
}

/** A number of bytes as settings are written, in one word: `100MiB`; in bytes if it is not a whole number of a larger unit. */
export function sizeAsSetting(bytes: number): string {
  const { size, unit } = inLargestWholeUnit(bytes);
  return unit === 'bytes' ? `${size}B` : `${size}${unit}`;
}

/** The largest unit of which there is one at least. */
function inLargestUnit(bytes: number): InUnit {
  return inUnit(bytes, () => true);
}

/** The largest unit of which there is a whole number. */
function inLargestWholeUnit(bytes: number): InUnit {
  return inUnit(bytes, (size) => size % 1024 === 0);
}

function inUnit(bytes: number, divides: (size: number) => boolean): InUnit {
  let [size, at] = [bytes, 0];
  while (size >= 1024 && divides(size) && at + 1 < UNITS.length) {
    size /= 1024;
    at++;
  }
  return { size, unit: UNITS[at] ?? 'bytes' };
}

function text({ size, unit }: InUnit, format: (size: number) => string): string {
  if (unit !== 'bytes') return `${format(size)} ${unit}`;
  const whole = Math.round(size);
  return whole === 1 ? '1 byte' : `${whole} bytes`;
}
