/** Tells from what a target says whether a push was too large, or took too long. */
import type { PushReport } from '../../git/index.ts';
import { type CairnError, isCairnError } from '../../lib/errors.ts';
import { RemoteError } from '../../outbound/remote-error.ts';
import { statedLimit } from '../../outbound/stated-limit.ts';

/** Why the same push may succeed with less in it. */
export interface SizeRefusal {
  /** In words. */
  readonly reason: string;
  /** The limit that the target states, in bytes. */
  readonly stated: number | undefined;
  /** True when the connection broke without an answer: that may be a limit, or chance. */
  readonly isCut: boolean;
  /** True when the target says that it is the size. A connection that breaks, or is waited for no longer, may have other reasons. */
  readonly isStated: boolean;
}

/** How git and its hosts say that a pack is too large, on the side band: `fatal: pack exceeds maximum allowed size (2.00 GiB)`. */
const TOO_LARGE =
  /(pack|body|push|payload|request)\b.{0,40}\b(exceeds?|exceeded|too large|too big|larger than)|exceed.{0,40}\b(size|limit)/i;

/** A proxy whose server has broken the connection off. */
const BAD_GATEWAY = 502;

/**
 * Reads an error of a push.
 * @returns undefined when less in it would not help
 */
export function sizeRefusalOf(error: unknown): SizeRefusal | undefined {
  if (!isCairnError(error)) return undefined;
  const { status, bodyLimit, brokenOff } = error instanceof RemoteError ? error.facts : {};
  const reason = error.message;
  if (error.kind === 'too-large') return { reason, stated: bodyLimit, isCut: false, isStated: true };
  if (brokenOff === true || status === BAD_GATEWAY) {
    const isCut = status === undefined || status === BAD_GATEWAY;
    return { reason, stated: bodyLimit, isCut, isStated: bodyLimit !== undefined };
  }
  return undefined;
}

/**
 * True for an error of a push that does not tell what the target has done: it sent no report, half of one, or something else. The
 * refs of the target tell then.
 */
export function tellsNothing(error: unknown): error is CairnError {
  return isCairnError(error, 'corrupt') || isCairnError(error, 'unavailable');
}

/**
 * Reads the report of a push.
 * @param messages what the target has told people meanwhile
 * @returns undefined when the pack was taken, or refused for another reason
 */
export function sizeRefusalIn(report: PushReport | undefined, messages: string): SizeRefusal | undefined {
  if (report === undefined || report.unpack === 'ok') return undefined;
  const words = `${report.unpack}\n${messages}`;
  const line = words.split(/[\r\n]+/).find((text) => TOO_LARGE.test(text));
  if (line === undefined) return undefined;
  return { reason: line.trim(), stated: statedLimit(line), isCut: false, isStated: true };
}
