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

/** Milliseconds without a request after which what follows a publish is done: receipts are written within 300. */
const QUIET_MS = 700;

/** Milliseconds between two looks, and for all of them. */
const LOOK_MS = 20;
const PATIENCE_MS = 15_000;

/**
 * The same, once a server has done what it does behind its answers and has just looked for events of others, as it does every second:
 * nothing of its own falls into the next part of a second.
 */
export async function storeRequestsAtRest(base: string): Promise<number> {
  let count = await storeRequests(base);
  let changed = performance.now();
  for (const until = changed + PATIENCE_MS; performance.now() < until; ) {
    await setTimeout(LOOK_MS);
    const now = await storeRequests(base);
    if (now === count) continue;
    const isLook = now === count + 1 && performance.now() - changed >= QUIET_MS;
    count = now;
    changed = performance.now();
    if (isLook) break;
  }
  return count;
}
