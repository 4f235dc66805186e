/** The context of git's handlers, and what they share. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Context } from 'hono';
import type { ByteBudget } from '../../lib/byte-budget.ts';
import { publicTextOf } from '../../lib/errors.ts';
import type { Logger } from '../../observability/logger.ts';
import type { Metrics } from '../../observability/metrics.ts';
import type { UrlSpace } from '../../policy/push-entry.ts';
import type { FossilRepository } from '../../repository/fossil/fossil-repository.ts';
import type { GitRepository } from '../../repository/git/git-repository.ts';
import type { RepositoryState } from '../../repository/manifest.ts';
import type { Repositories } from '../../repository/repositories.ts';
import type { RepositoryId } from '../../repository/repository-id.ts';
import type { Advertiser, ProtocolVersion } from '../../transfer/fetch/advertise-refs.ts';
import type { ServeFetchContext } from '../../transfer/fetch/serve-fetch.ts';
import type { PushAuthority } from '../../transfer/push/authority.ts';
import type { ReceivePushContext } from '../../transfer/push/push-request.ts';
import type { PushSummary } from '../../transfer/push/summary.ts';
import { RequestBody } from '../../transfer/request-body.ts';
import type { Client } from '../clients/client.ts';
import type { ConnectionMemory } from '../clients/connection-memory.ts';
import type { GitEnv } from '../http-env.ts';
import type { Expectations } from '../middleware/expectation.ts';
import type { GitAccessContext, GitSender } from './git-access.ts';
import { readBody } from './git-body.ts';
import type { GitOutput } from './git-output.ts';
import { logPush } from './log-push.ts';

export interface GitRoutesContext extends GitAccessContext {
  readonly repositories: Repositories;
  /** Absent: there are no Fossil repositories. */
  readonly fossil?: { get(id: RepositoryId): Pick<FossilRepository, 'resolve'> };
  readonly advertiser: Advertiser;
  readonly fetch: ServeFetchContext;
  readonly push: ReceivePushContext;
  /** Memory for the heads of all pushes. */
  readonly headMemory: ByteBudget;
  readonly connections: ConnectionMemory;
  /** True for a state of a public repository, however old, if nothing says that the repository is public no more. */
  readonly staysPublic: (id: RepositoryId, state: RepositoryState) => boolean;
  /** Decoded bytes of a fetch request. */
  readonly fetchRequestBytes: number;
}

/** The context of git's handlers, with what the listening server adds. */
export interface GitContext extends GitRoutesContext {
  readonly log: Logger;
  readonly metrics: Pick<Metrics, 'refusedRefs'>;
  readonly expectations: Expectations;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** The two ends of a request. */
export interface Exchange {
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
  readonly expectations: Expectations;
  readonly client: Client;
}

export function exchangeOf({ expectations }: GitContext, c: Context<GitEnv>): Exchange {
  const { incoming, outgoing: response } = c.env;
  return { incoming, response, expectations, client: c.get('client') };
}

/** One request of a git client, whose repository has been found. */
export class GitRequest implements Exchange {
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
  readonly expectations: Expectations;
  readonly client: Client;
  readonly repository: GitRepository;
  /** The URL space of the request. */
  readonly space: UrlSpace;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
  private readonly context: GitContext;
  private readonly c: Context<GitEnv>;

  constructor(context: GitContext, c: Context<GitEnv>) {
    this.context = context;
    this.c = c;
    this.incoming = c.env.incoming;
    this.response = c.env.outgoing;
    this.expectations = context.expectations;
    this.client = c.get('client');
    this.repository = c.get('repository');
    this.space = c.get('space');
    this.signal = c.get('signal');
  }

  /** Logs an error in the middle of a response. The response has reported it to the client. */
  brokenOff(error: unknown): void {
    this.c.set('trouble', error);
    this.context.log.error({ ...this.about(), err: error }, 'answer broken off');
  }

  /** Logs why git refused a fetch. */
  refused(reason: string): void {
    this.context.log.info({ ...this.about(), reason }, 'fetch refused');
  }

  /** Counts and logs the outcome of a push. */
  pushed(summary: PushSummary, by: PushAuthority): void {
    const { log, metrics, now } = this.context;
    const seconds = (now() - this.c.get('began')) / 1000;
    for (const reason of summary.refusals) metrics.refusedRefs.inc({ reason });
    logPush(log, summary, by, { ...this.about(), seconds });
  }

  private about(): { readonly requestId: string; readonly client: string; readonly repository: string } {
    const requestId = this.c.get('requestId');
    return { requestId, client: this.client.address, repository: String(this.repository) };
  }
}

export function senderOf({ repository, space, incoming }: GitRequest, stage: GitSender['stage']): GitSender {
  return { id: repository.id, space, authorization: incoming.headers.authorization, stage };
}

/** The highest supported version in `Git-Protocol: version=…`; 0 if there is none. */
export function protocolVersion(incoming: IncomingMessage): ProtocolVersion {
  const header = incoming.headers['git-protocol'];
  const words = typeof header === 'string' ? header.split(':') : [];
  if (words.includes('version=2')) return 2;
  return words.includes('version=1') ? 1 : 0;
}

/**
 * The decoded body of a request. A client that waits for `100 Continue` gets it when the body is first read.
 * @param bytes maximum decoded bytes
 * @param expansion maximum decoded bytes for each received byte of a compressed body
 */
export function requestBody(
  { incoming, expectations, client }: Exchange,
  bytes: number,
  expansion?: number,
): RequestBody {
  const onRead = () => expectations.meet(incoming);
  const bounds = { bytes, ...(expansion !== undefined && { expansion }) };
  return new RequestBody(readBody(incoming, { pace: client.sending, ...bounds, onRead }));
}

/** Runs `answer`. An error after the start of the response is reported in it, if possible. @throws any other error */
export async function tellingWhatBreaks(
  request: GitRequest,
  output: GitOutput,
  answer: () => Promise<void>,
): Promise<void> {
  try {
    await answer();
  } catch (error) {
    if (request.signal.aborted || !(await output.tell(publicTextOf(error)))) throw error;
    request.brokenOff(error);
  }
}
