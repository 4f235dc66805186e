/** HEAD of a repository that was filled by a push. A push cannot say what it shall be; a state that is signed can. */
import { isBranch } from '../../git/index.ts';
import { systemClock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Endpoint } from '../../mirror/mirror.ts';
import { probe } from '../../mirror/mirror.ts';
import type { MirrorResult } from '../../mirror/run/mirror-result.ts';
import { kinds } from '../../nostr/kinds.ts';
import type { Signer } from '../../nostr/sign.ts';
import { statedRefs } from '../../nostr/signed-state.ts';
import { ServerConnection } from '../server-connection.ts';

export interface HeadToCarry {
  /** The server, without a slash at the end of its URL. */
  readonly server: string;
  readonly identifier: string;
  /** The repository on the server. */
  readonly target: Endpoint;
  readonly signer: Signer;
  readonly signal: AbortSignal;
}

/**
 * Makes HEAD of a repository that had no branches the branch of the source's HEAD, by a state that says what refs there are. A server
 * takes main or master otherwise.
 * @param result of the run that has filled the repository
 * @returns what a person should know: why HEAD is another one; undefined when there is nothing to tell
 */
export async function carryHead(result: MirrorResult, to: HeadToCarry): Promise<string | undefined> {
  const { sourceHead, refs, target: before } = result;
  if (result.outcome !== 'ok' || before === undefined || [...before.refs.keys()].some(isBranch))
    return undefined;
  const head = refs.find(({ source, kind }) => source === sourceHead && kind === 'branch')?.target;
  if (head === undefined) return undefined;
  try {
    const { source: now } = await probe({ source: to.target, scope: { allRefs: true }, signal: to.signal });
    if (now.head?.target === head || !now.refs.has(head)) return undefined;
    await sendState(head, now.refs, to);
    return undefined;
  } catch (error) {
    to.signal.throwIfAborted();
    return `everything is there, but HEAD is not ${head}: ${messageOf(error)}`;
  }
}

async function sendState(
  head: string,
  refs: ReadonlyMap<string, string>,
  { server, identifier, signer, signal }: HeadToCarry,
): Promise<void> {
  await using connection = await ServerConnection.open({ server, signer, clock: systemClock, signal });
  await connection.publish(
    signer.sign({
      kind: kinds.repositoryState,
      created_at: Math.floor(systemClock.now() / 1000),
      tags: [['d', identifier], ...statedRefs(refs), ['HEAD', `ref: ${head}`]],
      content: '',
    }),
  );
}
