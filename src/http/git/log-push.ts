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

/** One line for a push: who pushed what from where, and what became of it. A probe before a push is none. */
export function logPush(log: Logger, summary: PushSummary, by: PushAuthority, request: PushedBy): void {
  const { signedState, refusals: _all, ...told } = summary;
  if (told.accepted + told.refused === 0 && told.reason === undefined && told.err === undefined) return;
  log.info({ ...request, actor: actorOf(by, signedState?.author), ...told, order: signedState?.id }, 'push');
}

/** The public key that gave the push its right; null when nobody has said who they are. */
function actorOf(by: PushAuthority, author: string | undefined): string | null {
  if (author !== undefined) return author;
  if (by.kind === 'key') return by.actor;
  return by.kind === 'order' ? (by.caller?.actor ?? null) : null;
}
