import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { callerAddress } from '../lib/caller-address.ts';
import { Client, type ClientOptions } from './clients/client.ts';
import { clientAddress } from './clients/client-address.ts';
import { isGitCommand } from './git/no-repository.ts';
import type { RequestBindings } from './http-env.ts';
import { announcesBody } from './middleware/end-with-unread-body.ts';
import type { RequestLog } from './request-log.ts';

/** Hosts as hono writes them, with or without a port. */
const PLAIN_HOST = /^[a-z0-9._:[\]-]+$/;

/** A GET request without a body. */
export interface PlainRequest {
  /** The URL as hono makes it from most requests. */
  readonly url: string;
  /** The network address of the client. */
  readonly caller: string;
  readonly headers: IncomingHttpHeaders;
}

/** An answer that is there already. */
export interface KeptAnswer {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer | null;
}

/** Finds the answer to a request; undefined if the routes have to make it. */
export type KeptAnswers = (request: PlainRequest) => Promise<KeptAnswer | undefined>;

export interface KeptAnswersContext {
  readonly requestLog: RequestLog;
  readonly clientOptions: ClientOptions;
  /** Headers of every response. */
  readonly headers: Readonly<Record<string, string>>;
  readonly find: KeptAnswers;
}

/**
 * Answers requests whose answer is kept, without middleware and routes: what these do beside the answer is done here, too. A page that is
 * asked for again takes two thirds of the time.
 * @returns whether it has answered
 */
export function keptAnswers({
  requestLog,
  clientOptions,
  headers,
  find,
}: KeptAnswersContext): (env: RequestBindings) => Promise<boolean> {
  return async (env) => {
    const { incoming, outgoing, afterAnswer } = env;
    if (incoming.method !== 'GET' || announcesBody(incoming) || isGitCommand(env)) return false;
    const url = urlOf(incoming);
    if (url === undefined) return false;
    const began = clientOptions.now();
    const caller = callerAddress(clientAddress(incoming, clientOptions.trustedProxies));
    // The routes answer what cannot be found, and tell why.
    const answer = await find({ url, caller, headers: incoming.headers }).catch(() => undefined);
    if (answer === undefined) return false;
    const client = new Client(incoming, outgoing, clientOptions);
    afterAnswer.push(() => client.watchDelivery());
    const requestId = requestLog.begin(env, client, { began });
    outgoing.writeHead(answer.status, { ...headers, 'X-Request-Id': requestId, ...answer.headers });
    outgoing.end(answer.body ?? undefined);
    return true;
  };
}

/** The URL of a request; undefined if its `Host` might hold more than a host: `host/path` would make the URL of another request. */
function urlOf({ socket, headers: { host }, url }: IncomingMessage): string | undefined {
  if (host === undefined || !PLAIN_HOST.test(host)) return undefined;
  return `${(socket as TLSSocket).encrypted ? 'https' : 'http'}://${host}${url}`;
}
