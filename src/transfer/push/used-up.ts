/** What those are told who have used up a limit: what it counts, how much of it is used, and when there is more. */
import { CairnError } from '../../lib/errors.ts';
import { formatSize, roughSize } from '../../lib/format-size.ts';
import { formatWait } from '../../lib/format-wait.ts';
import type { Amount } from '../../repository/git/git-manifest.ts';

/** A limit is used up for a while. */
export class LimitUsedUp extends CairnError {}

/** How much of a limit is used, and in how many seconds there is enough again. */
export interface Usage {
  readonly used: number;
  readonly limit: number;
  readonly wait: number;
}

/** @param what the limit counts, and for whom: `new refs that your address may push` */
export function usedUp(what: string, { used, limit, wait }: Usage, note = ''): LimitUsedUp {
  const counted = `${Math.ceil(used)} of ${limit} are used${note}`;
  return new LimitUsedUp(
    'busy',
    `the limit of ${what} is reached: ${counted}, try again in ${formatWait(wait)}`,
  );
}

/** @param count of the pack, as far as it is known */
export function beyondOnePush(kind: keyof Amount, limit: number, count: number | undefined): string {
  const rule = 'in one push without write access (--anonymous-pushes)';
  return kind === 'bytes'
    ? `pack exceeds maximum allowed size, ${formatSize(limit)} ${rule}`
    : `the pack has ${count} objects, no more than ${limit} are taken ${rule}`;
}

/** @param used what pull requests of this repository have */
export function beyondRepository(
  kind: keyof Amount,
  count: number | undefined,
  { used, limit }: Omit<Usage, 'wait'>,
): string {
  const what = `the limit of ${kind} that pushes without write access may bring to this repository is reached`;
  return `${what}: ${sofar(kind, { used, limit })}, ${packHas(kind, count)}: ask its owner to push it`;
}

/** @param who has used it: `your address` */
export function beyondTraffic(
  kind: keyof Amount,
  count: number | undefined,
  who: string,
  usage: Usage,
): string {
  const what = `the limit of ${kind} that ${who} may push in an hour without write access is reached`;
  return `${what}: ${sofar(kind, usage)}, ${packHas(kind, count)}, try again in ${formatWait(usage.wait)}`;
}

function sofar(kind: keyof Amount, { used, limit }: Omit<Usage, 'wait'>): string {
  if (kind === 'bytes') return `${roughSize(used)} of ${formatSize(limit)} are used`;
  return `${Math.ceil(used)} of ${limit} are used`;
}

function packHas(kind: keyof Amount, count: number | undefined): string {
  if (count === undefined) return 'this pack is larger than what is left';
  return `this pack has ${kind === 'bytes' ? roughSize(count) : count}`;
}
