const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];

function bytesText(bytes: number): string {
  return bytes === 1 ? '1 byte' : `${bytes} bytes`;
}

/** About how many bytes, for people: `1.5 MiB`. */
export function roughSize(bytes: number): string {
  let [size, unit] = [bytes, 0];
  while (size >= 1024 && unit + 1 < UNITS.length) {
    size /= 1024;
    unit++;
  }
  return unit === 0 ? bytesText(Math.round(size)) : `${Number(size.toFixed(1))} ${UNITS[unit]}`;
}

/** A number of bytes for people: `100 MiB`; in bytes if it is not a whole number of a larger unit. */
export function formatSize(bytes: number): string {
  let [size, unit] = [bytes, 0];
  while (size >= 1024 && size % 1024 === 0 && unit + 1 < UNITS.length) {
    size /= 1024;
    unit++;
  }
  return unit === 0 ? bytesText(size) : `${size} ${UNITS[unit]}`;
}

/** A number of bytes for people who want no more than an idea of it: `1.4 MiB`. */
export function roundedSize(bytes: number): string {
  let [size, unit] = [bytes, 0];
  while (size >= 1024 && unit + 1 < UNITS.length) {
    size /= 1024;
    unit++;
  }
  return unit === 0 ? bytesText(Math.round(size)) : `${size.toFixed(1)} ${UNITS[unit]}`;
}
