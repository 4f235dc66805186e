import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Context } from 'hono';
import type { PushAuthority } from '../../transfer/push/authority.ts';
import { headShare, isProbe } from '../../transfer/push/head.ts';
import { receivePush } from '../../transfer/push/receive-push.ts';
import type { PushSummary } from '../../transfer/push/summary.ts';
import { accessError, pushAccess } from '../../transfer/repository-access.ts';
import type { RequestBody } from '../../transfer/request-body.ts';
import type { GitEnv } from '../http-env.ts';
import { authorityOf } from './git-access.ts';
import { GitOutput } from './git-output.ts';
import {
  type Exchange,
  exchangeOf,
  type GitContext,
  type GitRequest,
  requestBody,
  senderOf,
} from './git-request.ts';

const LEAST_DROPPED_BYTES = 2 ** 30;

/** Answers `git-receive-pack`: a push, or the probe that git sends before a large one. */
export async function receivePack(context: GitContext, request: GitRequest): Promise<void> {
  const { incoming, response, repository, signal } = request;
  let authority: PushAuthority;
  try {
    authority = authorityOf(context, senderOf(request, 'receive'));
    await checkBeforeContinue(request, authority);
  } catch (reason) {
    return refusePush(context, request, reason);
  }
  const output = new GitOutput(response, 'application/x-git-receive-pack-result', request.client.taking);
  const body = pushBody(context, request);
  const advertised = context.connections.wasShown(incoming, repository, 'git-receive-pack');
  const onAnswered = async (summary: PushSummary) => {
    request.pushed(summary, authority);
    output.end();
    // The manifest names the order now, so nothing depends on this, and its sender need not wait for it.
    if (summary.signedState !== undefined)
      await context.push.heldStates.removeApplied(repository.id, summary.signedState);
  };
  const address = request.client.caller;
  const headMemory = headShare(context.headMemory);
  const push = { repository, authority, advertised, address, body, headMemory, output, signal, onAnswered };
  try {
    await receivePush(context.push, push);
  } finally {
    headMemory.forget();
  }
}

/**
 * Looks at what a client may do that waits to be told that it may send its push.
 * @throws CairnError `unauthenticated`, `forbidden` or `not-found` when nothing it could send would be taken
 */
async function checkBeforeContinue(request: GitRequest, authority: PushAuthority): Promise<void> {
  const { incoming, expectations, repository } = request;
  if (!expectations.isWaiting(incoming)) return;
  const access = pushAccess(repository.id, authority, (await repository.resolve('on-demand'))?.manifest);
  if (!access.allow) throw accessError(access);
}

/**
 * Refuses a request that no handler gets. A push is refused once its client has sent it.
 * @throws `reason`, unless the request is git's probe before a push
 */
export async function refuse(context: GitContext, c: Context<GitEnv>, reason: unknown): Promise<Response> {
  if (c.env.git.endpoint !== 'git-receive-pack') throw reason;
  await refusePush(context, exchangeOf(context, c), reason);
  return RESPONSE_ALREADY_SENT;
}

/**
 * Refuses a push as a whole, once its client has sent it. git's probe is let in even then, whatever it is for and
 * whoever sends it: after a refused probe git would not get as far as to hear a reason. A client that waits to be told
 * that it may send is refused without.
 * @throws `reason`, unless the request is a probe
 */
async function refusePush(context: GitContext, exchange: Exchange, reason: unknown): Promise<void> {
  const { incoming, response, expectations } = exchange;
  if (expectations.isWaiting(incoming)) throw reason;
  const body = pushBody(context, exchange);
  if (!(await isProbe(body))) {
    await body.drain();
    throw reason;
  }
  new GitOutput(response, 'application/x-git-receive-pack-result', exchange.client.taking).end();
}

/**
 * The body of a push. A pack that is too large is read on and dropped, so that its user gets to read the reason: for
 * as much again as is allowed, and for a gibibyte where little is. Beyond that the client is cut off.
 */
function pushBody(context: GitContext, exchange: Exchange): RequestBody {
  const { packBytes, bytes } = context.push.limits;
  const dropped = Math.max(packBytes, LEAST_DROPPED_BYTES);
  return requestBody(exchange, bytes + packBytes + dropped);
}
