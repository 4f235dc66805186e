/** Dates in structural artifacts, as in `D 2026-01-02T03:04:05.678`. */
const FORM = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?$/;

/**
 * The instant of a date, in UTC. Days behind the end of a month are those of the next one and an hour may be 24, as in SQLite, which
 * Fossil reads dates with.
 * @returns milliseconds since the epoch; undefined if it is not one
 */
export function parseFossilDate(text: string): number | undefined {
  const found = FORM.exec(text);
  if (found === null) return undefined;
  const [year = 0, month = 0, day = 0, hours = 0, minutes = 0, seconds = 0] = found.slice(1, 7).map(Number);
  const isDay = month >= 1 && month <= 12 && day >= 1 && day <= 31;
  if (!isDay || hours > 24 || minutes > 59 || seconds > 59) return undefined;
  // Date.UTC takes the years before 100 for others.
  const midnight = new Date(0).setUTCFullYear(year, month - 1, day);
  const milliseconds = Number((found[7] ?? '').slice(0, 3).padEnd(3, '0'));
  return midnight + ((hours * 60 + minutes) * 60 + seconds) * 1_000 + milliseconds;
}
