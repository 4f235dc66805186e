import type { Logger } from '../../observability/logger.ts';
import type { PushAuthority } from '../../transfer/push/authority.ts';
import type { PushSummary } from '../../transfer/push/summary.ts';

export interface PushedBy {
  readonly requestId: string;
  /** Address the push came from. */
  readonly client: string;
  readonly repository: string;
  /** Since the request came. */
  readonly seconds: number;
}

/** Logs one line for a push: who pushed what from where, and the outcome. git's probe before a push is not logged. */
export function logPush(log: Logger, summary: PushSummary, by: PushAuthority, request: PushedBy): void {
  const { signedState, refusals: _all, ...fields } = summary;
  if (fields.accepted + fields.refused === 0 && fields.reason === undefined && fields.err === undefined)
    return;
  // A failure of the server is for the operator, although the client got its answer.
  log[fields.err === undefined ? 'info' : 'warn'](
    { ...request, actor: actorOf(by, signedState?.author), ...fields, order: signedState?.id },
    'push',
  );
}

/** The public key that authorized the push; null if the sender is anonymous. */
function actorOf(by: PushAuthority, author: string | undefined): string | null {
  if (author !== undefined) return author;
  if (by.kind === 'key') return by.actor;
  return by.kind === 'signed-state' ? (by.caller?.actor ?? null) : null;
}
