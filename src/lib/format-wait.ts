import { counted } from './counted.ts';

const MINUTE = 60;
const HOUR = 60 * MINUTE;

/** How long somebody has to wait, for people: `5 seconds`, `12 minutes`, `3 hours`; never shorter than it takes. */
export function formatWait(seconds: number): string {
  if (seconds <= 2 * MINUTE) return counted(Math.max(1, Math.ceil(seconds)), 'second');
  if (seconds <= 2 * HOUR) return counted(Math.ceil(seconds / MINUTE), 'minute');
  return counted(Math.ceil(seconds / HOUR), 'hour');
}
