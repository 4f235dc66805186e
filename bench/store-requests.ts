import { setTimeout } from 'node:timers/promises';
import { CairnError } from '../src/lib/errors.ts';

const SERIES = /^cairn_store_requests_total(?:\{[^}]*\})? (\S+)$/gm;

/**
 * Requests that a server has sent to its object store so far, by its own metrics.
 * @param base the server's base URL
 * @throws CairnError `unavailable` if its metrics do not tell
 */
export async function storeRequests(base: string): Promise<number> {
  const answer = await fetch(`${base}/metrics`);
  const counts = [...(await answer.text()).matchAll(SERIES)].map(([, value]) => Number(value));
  if (counts.length === 0) {
    throw new CairnError('unavailable', `${base}/metrics has no cairn_store_requests_total`);
  }
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Milliseconds without a request after which a server has done what follows a publish: receipts are written within 300. */
const QUIET_MS = 600;

/** The same once the server has asked for nothing for a while, 10 s at most. */
export async function storeRequestsAtRest(base: string): Promise<number> {
  let count = await storeRequests(base);
  for (let waited = 0; waited < 10_000; waited += QUIET_MS) {
    await setTimeout(QUIET_MS);
    const now = await storeRequests(base);
    if (now === count) break;
    count = now;
  }
  return count;
}
