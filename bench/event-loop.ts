import { CairnError } from '../src/lib/errors.ts';

/** How often the server's own meter looks; an idle event loop shows as much. */
const METER_STEP_SECONDS = 0.01;

/**
 * Seconds for which a server's event loop was held up at most since this was last asked, without the meter's own step.
 * Each look at the metrics begins a new measurement.
 * @param base the server's base URL
 */
export async function longestDelay(base: string): Promise<number> {
  const answer = await fetch(`${base}/metrics`);
  const text = await answer.text();
  const value = /^nodejs_eventloop_lag_max_seconds (\S+)$/m.exec(text)?.[1];
  if (value === undefined) {
    throw new CairnError('unavailable', `${base}/metrics has no nodejs_eventloop_lag_max_seconds`);
  }
  return Math.max(0, Number(value) - METER_STEP_SECONDS);
}
