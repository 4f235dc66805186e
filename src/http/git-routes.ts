import type { IncomingMessage, ServerResponse } from 'node:http';
import { RequestRefusal } from '../git/index.ts';
import type { ByteBudget } from '../lib/byte-budget.ts';
import { CairnError, publicTextOf } from '../lib/errors.ts';
import type { UrlSpace } from '../policy/access.ts';
import { emptyState, type GitManifest, type GitState } from '../repository/git/git-manifest.ts';
import type { GitRepository } from '../repository/git/git-repository.ts';
import type { Repositories } from '../repository/repositories.ts';
import type { RepositoryId } from '../repository/repository-id.ts';
import type { Advertiser, ProtocolVersion } from '../transfer/fetch/advertise-refs.ts';
import { type ServeFetchContext, serveFetch } from '../transfer/fetch/serve-fetch.ts';
import type { PushAuthority } from '../transfer/push/authority.ts';
import { headShare, isProbe } from '../transfer/push/head.ts';
import type { ReceivePushContext } from '../transfer/push/push-request.ts';
import { receivePush } from '../transfer/push/receive-push.ts';
import type { PushSummary } from '../transfer/push/summary.ts';
import { accessError, isPublic, pushAccess } from '../transfer/repository-access.ts';
import { RequestBody } from '../transfer/request-body.ts';
import type { Client } from './clients/client.ts';
import type { ConnectionMemory } from './clients/connection-memory.ts';
import { MethodNotAllowed } from './errors/method-not-allowed.ts';
import { authorityOf, type GitAccessContext, type GitSender, readerOf } from './git/git-access.ts';
import { readBody } from './git/git-body.ts';
import { GitOutput } from './git/git-output.ts';
import { parseGitPath } from './git/git-path.ts';
import type { Expectations } from './middleware/expectation.ts';

export interface GitRoutesContext extends GitAccessContext {
  readonly repositories: Repositories;
  readonly advertiser: Advertiser;
  readonly fetch: ServeFetchContext;
  readonly push: ReceivePushContext;
  /** For the heads of all pushes. */
  readonly headMemory: ByteBudget;
  readonly connections: ConnectionMemory;
  /** True for a state of a public repository, however old, if nothing says that the repository is public no more. */
  readonly staysPublic: (id: RepositoryId, state: GitState) => boolean;
  /** Decoded bytes of a fetch request. */
  readonly fetchRequestBytes: number;
}

/** The two ends of a request. */
export interface Exchange {
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
  readonly expectations: Expectations;
  readonly client: Client;
}

/** One request of a git client. */
export interface GitRequest extends Exchange {
  readonly query: URLSearchParams;
  readonly repository: GitRepository;
  /** By which of its URLs the repository is asked for. */
  readonly space: UrlSpace;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
  /** Told what went wrong in the middle of an answer, in which the client has been told of it. */
  readonly onBroken: (error: unknown) => void;
  /** Told why git refused what was asked for. */
  readonly onRefused: (reason: string) => void;
  /** Told how a push ended, for the log. */
  readonly onPush: (summary: PushSummary, by: PushAuthority) => void;
}

const LEAST_DROPPED_BYTES = 2 ** 30;

/** Object ids compress to half their size, names of refs to a twentieth. */
const FETCH_EXPANSION = 200;

interface GitRoute {
  readonly method: 'GET' | 'POST';
  readonly endpoint: string;
  readonly contentType?: string;
  readonly handle: (context: GitRoutesContext, request: GitRequest) => Promise<void>;
}

/** The smart HTTP protocol (gitprotocol-http): everything a git client may ask for under a repository's URL. */
export const GIT_ROUTES: readonly GitRoute[] = [
  { method: 'GET', endpoint: 'info/refs', handle: infoRefs },
  {
    method: 'POST',
    endpoint: 'git-upload-pack',
    contentType: 'application/x-git-upload-pack-request',
    handle: uploadPack,
  },
  {
    method: 'POST',
    endpoint: 'git-receive-pack',
    contentType: 'application/x-git-receive-pack-request',
    handle: receivePack,
  },
];

/**
 * Finds the route and repository of a git request.
 * @param method HTTP method; HEAD counts as GET
 * @param path raw path without the query
 * @throws CairnError `not-found` or `invalid`, with a reason for the user; MethodNotAllowed
 */
export function findGitRoute(
  repositories: Repositories,
  method: string,
  path: string,
): { readonly route: GitRoute; readonly repository: GitRepository; readonly space: UrlSpace } {
  const { id, space, endpoint } = parseGitPath(path);
  const route = GIT_ROUTES.find((candidate) => candidate.endpoint === endpoint);
  if (route === undefined) {
    throw new CairnError('not-found', 'only the smart HTTP protocol is spoken here, by git 1.6.6 and newer');
  }
  if (route.method !== (method === 'HEAD' ? 'GET' : method)) {
    const allowed = route.method === 'GET' ? 'GET, HEAD, OPTIONS' : 'POST, OPTIONS';
    throw new MethodNotAllowed(`${endpoint} is asked for with ${route.method}`, allowed);
  }
  return { route, repository: repositories.get(id), space };
}

async function infoRefs(context: GitRoutesContext, request: GitRequest): Promise<void> {
  const service = request.query.get('service');
  if (service === null) {
    throw new CairnError('forbidden', 'only the smart HTTP protocol is spoken here, by git 1.6.6 and newer');
  }
  if (service !== 'git-upload-pack' && service !== 'git-receive-pack') {
    throw new CairnError('invalid', `unknown service ${JSON.stringify(service)}`);
  }
  const version = protocolVersion(request.incoming);
  const output = new GitOutput(
    request.response,
    `application/x-${service}-advertisement`,
    request.client.taking,
  );
  const { repository, incoming } = request;
  if (service === 'git-receive-pack') {
    const state = await stateToPushTo(context, request);
    await tellingWhatBreaks(request, output, () => context.advertiser.refs(service, version, state, output));
    output.end();
    return;
  }
  // What the v2 reply says of a repository never changes, so one that is known to be public costs no request.
  const known = version === 2 ? await knownPublic(context, repository) : undefined;
  const admit = readerOf(context, senderOf(request, 'advertise'));
  const state = known ?? admit(await repository.resolve('on-demand')).manifest;
  context.connections.remember(incoming, repository, service, known === undefined);
  if (version === 2) await output.write(v2Capabilities(context, state));
  else {
    await tellingWhatBreaks(request, output, () => context.advertiser.refs(service, version, state, output));
  }
  output.end();
}

/** Answers; what goes wrong once an answer has begun is told in it, where that can be done. @throws what cannot be told so */
async function tellingWhatBreaks(
  request: GitRequest,
  output: GitOutput,
  answer: () => Promise<void>,
): Promise<void> {
  try {
    await answer();
  } catch (error) {
    if (request.signal.aborted || !(await output.tell(publicTextOf(error)))) throw error;
    request.onBroken(error);
  }
}

function v2Capabilities({ advertiser, fetch }: GitRoutesContext, state: GitState): Buffer {
  return advertiser.v2Capabilities(state.objectFormat, fetch.offload?.capabilities(state));
}

/** What to show somebody who wants to push, if he may; where anyone may, an empty repository stands in for none. */
async function stateToPushTo(context: GitRoutesContext, request: GitRequest): Promise<GitState> {
  const { repository, incoming } = request;
  const authority = authorityOf(context, senderOf(request, 'advertise'));
  const state = (await repository.resolve('on-demand'))?.manifest;
  const access = pushAccess(repository.id, authority, state);
  if (!access.allow) throw accessError(access);
  context.connections.remember(incoming, repository, 'git-receive-pack', true);
  return state ?? emptyState(repository.id.identifier, 'sha1', context.push.random.hex(16));
}

function senderOf({ repository, space, incoming }: GitRequest, stage: GitSender['stage']): GitSender {
  return { id: repository.id, space, authorization: incoming.headers.authorization, stage };
}

/** The state this process last saw of a repository, if it saw one that anyone may read, and has heard nothing else since. */
async function knownPublic(
  { staysPublic }: GitRoutesContext,
  repository: GitRepository,
): Promise<GitManifest | undefined> {
  const manifest = (await repository.peek(Number.POSITIVE_INFINITY, 'on-demand'))?.manifest;
  if (manifest === undefined || !isPublic(manifest)) return undefined;
  return staysPublic(repository.id, manifest) ? manifest : undefined;
}

async function uploadPack(context: GitRoutesContext, request: GitRequest): Promise<void> {
  const { incoming, response, repository, signal, onRefused, onBroken } = request;
  const { caller } = request.client;
  const output = new GitOutput(response, 'application/x-git-upload-pack-result', request.client.taking);
  const body = requestBody(request, context.fetchRequestBytes, FETCH_EXPANSION);
  const version = protocolVersion(incoming);
  const looked = context.connections.takeLook(incoming, repository, 'git-upload-pack');
  const admit = readerOf(context, senderOf(request, 'receive'));
  if (request.expectations.isWaiting(incoming)) admit(await repository.resolve('on-demand'));
  const asked = { repository, version, admit, looked, caller, body, output, signal, onRefused, onBroken };
  try {
    await tellingWhatBreaks(request, output, () => serveFetch(context.fetch, asked));
  } catch (error) {
    // Its client is still sending, and reads the reason only then.
    if (error instanceof RequestRefusal) await dropRest(body, incoming);
    throw error;
  }
  output.end();
  // What git did not want to read would stand in the way of the connection's next request.
  await dropRest(body, incoming);
}

/** Reads and drops what is left of a fetch. Who sends more than is read is cut off. */
async function dropRest(body: RequestBody, incoming: IncomingMessage): Promise<void> {
  await body.drain().catch((error: unknown) => {
    // Where the body expands too much, its client has sent all of it.
    if (!(error instanceof RequestRefusal)) incoming.destroy();
  });
}

async function receivePack(context: GitRoutesContext, request: GitRequest): Promise<void> {
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
    request.onPush(summary, authority);
    output.end();
    // The manifest names the order now, so nothing depends on this, and its sender need not wait for it.
    if (summary.order !== undefined) await context.push.orders.carriedOut(repository.id, summary.order);
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
 * Refuses a push as a whole, once its client has sent it. git's probe is let in even then, whatever it is for and
 * whoever sends it: after a refused probe git would not get as far as to hear a reason. A client that waits to be told
 * that it may send is refused without.
 * @throws `reason`, unless the request is a probe
 */
export async function refusePush(
  context: GitRoutesContext,
  exchange: Exchange,
  reason: unknown,
): Promise<void> {
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
function pushBody(context: GitRoutesContext, exchange: Exchange): RequestBody {
  const { packBytes, bytes } = context.push.limits;
  const dropped = Math.max(packBytes, LEAST_DROPPED_BYTES);
  return requestBody(exchange, bytes + packBytes + dropped);
}

/** @param bytes decoded, at most @param expansion how often its size a compressed body may have of content */
function requestBody(
  { incoming, expectations, client }: Exchange,
  bytes: number,
  expansion?: number,
): RequestBody {
  const onRead = () => expectations.meet(incoming);
  const bounds = { bytes, ...(expansion !== undefined && { expansion }) };
  return new RequestBody(readBody(incoming, { pace: client.sending, ...bounds, onRead }));
}

/** The highest version named in `Git-Protocol: version=…` that is known here; 0 when none is. */
function protocolVersion(incoming: IncomingMessage): ProtocolVersion {
  const header = incoming.headers['git-protocol'];
  const words = typeof header === 'string' ? header.split(':') : [];
  if (words.includes('version=2')) return 2;
  return words.includes('version=1') ? 1 : 0;
}
