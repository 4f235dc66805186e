/** Results of mirror commands, as lines for people. */

import { counted } from '../../lib/counted.ts';
import { roundedSize } from '../../lib/format-size.ts';
import type { FetchTestResult, ProbeResult, Traffic } from '../../mirror/mirror.ts';
import { countsOf, type MirroredRef, type MirrorResult } from '../../mirror/run/mirror-result.ts';
import type { Measurement } from './mirror-json.ts';

/** Columns for names at most. One that is longer moves only its own line. */
const WIDEST_NAME = 60;

/** One line for each ref that is not equal, then one for all. */
export function resultLines(result: MirrorResult, isPlan: boolean): string[] {
  const changing = result.refs.filter(({ action }) => action !== 'skip');
  const width = Math.min(WIDEST_NAME, Math.max(0, ...changing.map(({ target }) => target.length)));
  const lines = changing.map((ref) => refLine(ref, width, isPlan));
  if (result.refs.length > 0) lines.push(summary(result, isPlan));
  if (isPlan) lines.push(...strategyLines(changing));
  return lines;
}

function refLine(ref: MirroredRef, width: number, isPlan: boolean): string {
  const renamed =
    ref.action !== 'block' && ref.source !== undefined && ref.source !== ref.target
      ? ` (from ${ref.source})`
      : '';
  const what = isPlan ? ref.action : became(ref);
  const why = ref.result !== undefined && 'reason' in ref.result ? ref.result.reason : ref.reason;
  const how = isPlan && ref.strategy !== undefined ? ` [${ref.strategy}]` : '';
  return `${what.padEnd(9)} ${ref.target.padEnd(width)}  ${why}${renamed}${how}`;
}

/** What each strategy of a plan means, and why it is taken: once for all refs that take it for the same reason. */
function strategyLines(refs: readonly MirroredRef[]): string[] {
  const lines = refs.flatMap(({ strategy, strategyReason }) =>
    strategy === undefined ? [] : [`[${strategy}] ${strategyReason}`],
  );
  return [...new Set(lines)];
}

/** The result of a ref, in a word. */
function became({ action, result }: MirroredRef): string {
  if (action === 'block') return 'blocked';
  if (result === undefined) return 'not tried';
  return result.outcome === 'applied' ? `${action}d` : result.outcome;
}

function summary({ refs, packs }: MirrorResult, isPlan: boolean): string {
  const counts = countsOf(refs);
  const parts = isPlan
    ? [
        `${counts.pending} to change`,
        `${counts.skipped} equal`,
        ...(counts.blocked > 0 ? [`${counts.blocked} blocked`] : []),
      ]
    : [
        `${counts.applied} changed`,
        ...(counts.deleted > 0 ? [`${counts.deleted} deleted`] : []),
        `${counts.skipped} equal`,
        ...Object.entries({ blocked: counts.blocked, refused: counts.refused, moved: counts.moved })
          .filter(([, count]) => count > 0)
          .map(([name, count]) => `${count} ${name}`),
        ...(counts.pending > 0 ? [`${counts.pending} not tried`] : []),
        ...(packs > 1 ? [`${counted(packs, 'pack')} sent`] : []),
      ];
  return parts.join(', ');
}

/** What went over the wire, a line for each side. */
export function trafficLines(traffic: Traffic): string[] {
  return Object.entries(traffic).map(
    ([side, { connections, requests, sentBytes, receivedBytes }]) =>
      `${side}: ${counted(requests, 'request')} over ${counted(connections, 'connection')}, sent ${roundedSize(sentBytes)}, received ${roundedSize(receivedBytes)}`,
  );
}

/** What a probe found. */
export function probeLines({ source, target, refs, targetRefs }: ProbeResult): string[] {
  const lines = [
    `protocol       ${source.protocol ?? 'none'}`,
    `object format  ${source.objectFormat}`,
    `HEAD           ${source.head?.target ?? 'not known'}`,
    `capabilities   ${source.capabilities.join(' ')}`,
  ];
  if (target !== undefined) {
    lines.push(
      `target         ${target.objectFormat}, ${counted(targetRefs?.size ?? 0, 'ref')} in scope of ${target.refs.size}, ${target.capabilities.join(' ')}`,
    );
  }
  lines.push(`refs in scope  ${refs.size}`, ...[...refs].map(([name, oid]) => `${oid} ${name}`));
  for (const { shownName, reason } of source.unusable) lines.push(`unusable  ${shownName}  ${reason}`);
  return lines;
}

/** What a fetch brought. */
export function fetchLines({ source, wants, haves, objects, bytes }: FetchTestResult): string[] {
  return [
    `protocol ${source.protocol ?? 'none'}, ${counted(wants.size, 'want')}, ${counted(haves.length, 'have')}`,
    `a pack of ${counted(objects, 'object')}, ${roundedSize(bytes)}`,
  ];
}

export function measurementLine({ elapsedMilliseconds, peakMemoryBytes }: Measurement): string {
  return `${(elapsedMilliseconds / 1000).toFixed(1)} s, at most ${roundedSize(peakMemoryBytes)} of memory`;
}
