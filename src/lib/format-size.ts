const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];

/** A number of bytes as people write it: `100 MiB`; in bytes where it is no whole number of a larger unit. */
export function formatSize(bytes: number): string {
  let [size, unit] = [bytes, 0];
  while (size >= 1024 && size % 1024 === 0 && unit + 1 < UNITS.length) {
    size /= 1024;
    unit++;
  }
  return `${size} ${UNITS[unit]}`;
}
