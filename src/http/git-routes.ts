import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../lib/clock.ts';
import { CairnError } from '../lib/errors.ts';
import type { Verifier } from '../nostr/verify.ts';
import { type AccessMode, decidePush } from '../policy/access.ts';
import { emptyState, type Manifest } from '../repository/manifest.ts';
import type { Repositories } from '../repository/repositories.ts';
import type { Repository } from '../repository/repository.ts';
import type { Advertiser, ProtocolVersion } from '../transfer/advertise-refs.ts';
import { isProbe } from '../transfer/push-head.ts';
import { type PushSummary, type ReceivePushContext, receivePush } from '../transfer/receive-push.ts';
import { RequestBody } from '../transfer/request-body.ts';
import { type ServeFetchContext, serveFetch } from '../transfer/serve-fetch.ts';
import type { ConnectionMemory } from './connection-memory.ts';
import { readBody } from './git-body.ts';
import { GitOutput } from './git-output.ts';
import { parseGitPath } from './git-path.ts';

export interface GitRoutesContext {
  readonly repositories: Repositories;
  readonly advertiser: Advertiser;
  readonly fetch: ServeFetchContext;
  readonly push: ReceivePushContext;
  readonly connections: ConnectionMemory;
  readonly access: AccessMode;
  /** Public base URL of the service, without a slash at its end: tokens are signed for URLs below it. */
  readonly base: string;
  readonly verifier: Verifier;
  readonly clock: Clock;
  /** Milliseconds a client may neither send nor take anything. */
  readonly idle: number;
  /** Decoded bytes of a fetch request. */
  readonly fetchRequestBytes: number;
}

/** One request of a git client. */
export interface GitRequest {
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  readonly repository: Repository;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
  /** Told how a push ended, for the log. */
  readonly onPush: (summary: PushSummary) => void;
}

const LEAST_DROPPED_BYTES = 2 ** 30;

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
 * @throws CairnError `not-found` or `invalid`, with a reason for the user
 */
export function findGitRoute(
  repositories: Repositories,
  method: string,
  path: string,
): { readonly route: GitRoute; readonly repository: Repository } {
  const { id, endpoint } = parseGitPath(path);
  const route = GIT_ROUTES.find((candidate) => candidate.endpoint === endpoint);
  if (route === undefined) {
    throw new CairnError('not-found', 'only the smart HTTP protocol is spoken here, by git 1.6.6 and newer');
  }
  if (route.method !== (method === 'HEAD' ? 'GET' : method)) {
    throw new CairnError('invalid', `${endpoint} is asked for with ${route.method}`);
  }
  return { route, repository: repositories.get(id) };
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
  const output = new GitOutput(request.response, `application/x-${service}-advertisement`, context.idle);
  const { repository, incoming } = request;
  // What the v2 reply says of a repository never changes, so one that is known to be public costs no request.
  const known = service === 'git-upload-pack' && version === 2 ? await knownPublic(repository) : undefined;
  const state = known ?? (await repository.resolve())?.manifest;
  context.connections.remember(incoming, repository, service, known === undefined);
  if (service === 'git-receive-pack') {
    const refusal = pushRefusal(context);
    if (refusal !== undefined) throw refusal;
    const begun = state ?? emptyState(repository.id.identifier, 'sha1', context.push.dice.hex(16));
    await output.write(context.advertiser.refs(service, version, begun));
  } else {
    if (state === undefined) throw new CairnError('not-found', 'repository not found');
    await output.write(
      version === 2
        ? context.advertiser.v2Capabilities(state.objectFormat)
        : context.advertiser.refs(service, version, state),
    );
  }
  output.end();
}

/** The state this process last saw of a repository, if it saw one and anyone may read it. */
async function knownPublic(repository: Repository): Promise<Manifest | undefined> {
  const manifest = (await repository.peek(Number.POSITIVE_INFINITY))?.manifest;
  return manifest?.state === 'withdrawn' || manifest?.policy.private ? undefined : manifest;
}

async function uploadPack(context: GitRoutesContext, request: GitRequest): Promise<void> {
  const { incoming, response, repository, signal } = request;
  const output = new GitOutput(response, 'application/x-git-upload-pack-result', context.idle);
  const body = new RequestBody(readBody(incoming, { idle: context.idle, bytes: context.fetchRequestBytes }));
  const version = protocolVersion(incoming);
  const looked = context.connections.takeLook(incoming, repository, 'git-upload-pack');
  await serveFetch(context.fetch, { repository, version, looked, body, output, signal });
  output.end();
  // What git did not want to read would stand in the way of the connection's next request.
  await body.drain().catch(() => incoming.destroy());
}

async function receivePack(context: GitRoutesContext, request: GitRequest): Promise<void> {
  const { incoming, response, repository, signal } = request;
  const refusal = pushRefusal(context);
  if (refusal !== undefined) return refusePush(context, incoming, response, refusal);
  const output = new GitOutput(response, 'application/x-git-receive-pack-result', context.idle);
  const body = pushBody(context, incoming);
  const advertised = context.connections.wasShown(incoming, repository, 'git-receive-pack');
  const push = { repository, authority: { kind: 'anyone' }, advertised, body, output, signal } as const;
  request.onPush(await receivePush(context.push, push));
  output.end();
}

function pushRefusal(context: GitRoutesContext): CairnError | undefined {
  const decision = decidePush(context.access);
  return decision.allow ? undefined : new CairnError('forbidden', decision.reason);
}

/**
 * Refuses a push as a whole, once its client has sent it. git's probe is let in even then, whatever it is for and
 * whoever sends it: after a refused probe git would not get as far as to hear a reason.
 * @throws `reason`, unless the request is a probe
 */
export async function refusePush(
  context: GitRoutesContext,
  incoming: IncomingMessage,
  response: ServerResponse,
  reason: unknown,
): Promise<void> {
  const body = pushBody(context, incoming);
  if (!(await isProbe(body))) {
    await body.drain();
    throw reason;
  }
  new GitOutput(response, 'application/x-git-receive-pack-result', context.idle).end();
}

/**
 * The body of a push. A pack that is too large is read on and dropped, so that its user gets to read the reason: for
 * as much again as is allowed, and for a gibibyte where little is. Beyond that the client is cut off.
 */
function pushBody(context: GitRoutesContext, incoming: IncomingMessage): RequestBody {
  const { packBytes, bytes } = context.push.limits;
  const dropped = Math.max(packBytes, LEAST_DROPPED_BYTES);
  return new RequestBody(readBody(incoming, { idle: context.idle, bytes: bytes + packBytes + dropped }));
}

/** The highest version named in `Git-Protocol: version=…` that is known here; 0 when none is. */
function protocolVersion(incoming: IncomingMessage): ProtocolVersion {
  const header = incoming.headers['git-protocol'];
  const words = typeof header === 'string' ? header.split(':') : [];
  if (words.includes('version=2')) return 2;
  return words.includes('version=1') ? 1 : 0;
}
