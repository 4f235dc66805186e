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
    // The manifest names the signed state already, so the client need not wait for this.
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
 * Checks access for a client that waits for `100 Continue`.
 * @throws CairnError `unauthenticated`, `forbidden` or `not-found` if no push of it would be accepted
 */
async function checkBeforeContinue(request: GitRequest, authority: PushAuthority): Promise<void> {
  const { incoming, expectations, repository } = request;
  if (!expectations.isWaiting(incoming)) return;
  const access = pushAccess(repository.id, authority, (await repository.resolve('on-demand'))?.manifest);
  if (!access.allow) throw accessError(access);
}

/**
 * Refuses a request before it reaches a handler. A push is refused after its body has been read.
 * @throws `reason`, unless the request is git's probe before a push
 */
export async function refuse(context: GitContext, c: Context<GitEnv>, reason: unknown): Promise<Response> {
  if (c.env.git.endpoint !== 'git-receive-pack') throw reason;
  await refusePush(context, exchangeOf(context, c), reason);
  return RESPONSE_ALREADY_SENT;
}

/**
 * Refuses a whole push after its body has been read. git's probe is always accepted: after a refused probe, git would not
 * show the reason. A client that waits for `100 Continue` is refused at once.
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
 * The body of a push. The rest of a pack that is too large is read and dropped, so that the client reads the reason: as many
 * bytes as the limit again, and at least 1 GiB. Beyond that the client is disconnected.
 */
function pushBody(context: GitContext, exchange: Exchange): RequestBody {
  const { packBytes, bytes } = context.push.limits;
  const dropped = Math.max(packBytes, LEAST_DROPPED_BYTES);
  return requestBody(exchange, bytes + packBytes + dropped);
}
