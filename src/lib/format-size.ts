const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];

/** A number of bytes for people: `100 MiB`; in bytes if it is not a whole number of a larger unit. */
export function formatSize(bytes: number): string {
  let [size, unit] = [bytes, 0];
  while (size >= 1024 && size % 1024 === 0 && unit + 1 < UNITS.length) {
    size /= 1024;
    unit++;
  }
  return `${size} ${UNITS[unit]}`;
}
