/**
 * Pushes to pull requests by an address that has used up what it may bring are turned away by their first line: nothing is asked
 * of the store for them, and no git is started.
 */
import type { ObjectFormat } from '../../git/index.ts';
import type { CairnError } from '../../lib/errors.ts';
import type { RequestBody } from '../request-body.ts';
import type { PushAuthority } from './authority.ts';
import type { StrangerLimits } from './stranger-limits.ts';
import { capStrangerBody, type StrangerPushes } from './stranger-push.ts';
import type { UnpackTime } from './unpack-time.ts';

export interface TurningAwayContext {
  readonly unpackTime: UnpackTime;
  /** Absent where strangers may push nothing. */
  readonly strangerPushes?: StrangerPushes;
  /** What strangers may bring to one repository. Absent likewise. */
  readonly strangers?: StrangerLimits | undefined;
}

interface TurnedPush {
  readonly authority: PushAuthority;
  readonly address: string;
  readonly body: RequestBody;
}

/** Why a push is not looked at any further, and in which format it names objects. */
export interface TurnedAway {
  readonly format: ObjectFormat;
  readonly problem: CairnError;
}

/** Bytes of the first line of a push that tell whether it is for a pull request: length, two object ids, the beginning of a name. */
const FIRST_LINE = 4 + 2 * 65 + 'refs/nostr/'.length;
const CREATES = /^[0-9a-f]{4}0+ /;

/**
 * Looks at the first line of a push whose sender has shown no key.
 * @returns undefined when the push is to be looked at as any other, the body as it was
 */
export async function turnedAway(
  { unpackTime, strangerPushes }: TurningAwayContext,
  { authority, address, body }: TurnedPush,
): Promise<TurnedAway | undefined> {
  if (strangerPushes === undefined || authority.kind !== 'signed-state' || authority.caller !== undefined)
    return undefined;
  // Nearly no address has used up anything.
  const { traffic } = strangerPushes;
  const work = unpackTime.problemOf(address);
  if (work === undefined && traffic.problemOf(address, 1) === undefined) return undefined;
  const line = await firstBytes(body, FIRST_LINE);
  const format = formatOfPullRequest(line);
  const problem = work ?? traffic.problemOf(address, CREATES.test(line) ? 1 : 0);
  return format === undefined || problem === undefined ? undefined : { format, problem };
}

/**
 * Refuses such a push.
 * @throws why it is refused; the signal's reason when its client has gone
 */
export async function turnAway(
  { strangerPushes, strangers }: TurningAwayContext,
  { address, body, signal }: Omit<TurnedPush, 'authority'> & { readonly signal: AbortSignal },
  problem: CairnError,
): Promise<never> {
  capStrangerBody(body, strangers);
  await strangerPushes?.pauses.wait(address, signal);
  throw problem;
}

/** @returns undefined when the first command is for another ref, or there is something before it */
function formatOfPullRequest(line: string): ObjectFormat | undefined {
  if (/^[0-9a-f]{44} [0-9a-f]{40} refs\/nostr\//.test(line)) return 'sha1';
  return /^[0-9a-f]{68} [0-9a-f]{64} refs\/nostr\//.test(line) ? 'sha256' : undefined;
}

async function firstBytes(body: RequestBody, length: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  while (size < length) {
    const chunk = await body.next();
    if (chunk === undefined) break;
    chunks.push(chunk);
    size += chunk.length;
  }
  const read = Buffer.concat(chunks, size);
  body.unread(read);
  return read.toString('latin1', 0, length);
}
