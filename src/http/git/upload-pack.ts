import type { IncomingMessage } from 'node:http';
import { RequestRefusal } from '../../git/index.ts';
import { serveFetch } from '../../transfer/fetch/serve-fetch.ts';
import type { RequestBody } from '../../transfer/request-body.ts';
import { readerOf } from './git-access.ts';
import { GitOutput } from './git-output.ts';
import {
  type GitContext,
  type GitRequest,
  protocolVersion,
  requestBody,
  senderOf,
  tellingWhatBreaks,
} from './git-request.ts';

/** Object ids compress to half their size, names of refs to a twentieth. */
const FETCH_EXPANSION = 200;

/** Answers `git-upload-pack`: `ls-refs` of protocol version 2, or a fetch. */
export async function uploadPack(context: GitContext, request: GitRequest): Promise<void> {
  const { incoming, response, repository, signal } = request;
  const { caller } = request.client;
  const output = new GitOutput(response, 'application/x-git-upload-pack-result', request.client.taking);
  const body = requestBody(request, context.fetchRequestBytes, FETCH_EXPANSION);
  const version = protocolVersion(incoming);
  const looked = context.connections.takeLook(incoming, repository, 'git-upload-pack');
  const admit = readerOf(context, senderOf(request, 'receive'));
  if (request.expectations.isWaiting(incoming)) admit(await repository.resolve('on-demand'));
  const onRefused = (reason: string) => request.refused(reason);
  const onBroken = (error: unknown) => request.brokenOff(error);
  const asked = { repository, version, admit, looked, caller, body, output, signal, onRefused, onBroken };
  try {
    await tellingWhatBreaks(request, output, () => serveFetch(context.fetch, asked));
  } catch (error) {
    // The client is still sending, and reads the reason only afterwards.
    if (error instanceof RequestRefusal) await dropRest(body, incoming);
    throw error;
  }
  output.end();
  // Bytes that git did not read would come before the next request of the connection.
  await dropRest(body, incoming);
}

/** Reads and drops the rest of a fetch. A client that sends more than the bound is disconnected. */
async function dropRest(body: RequestBody, incoming: IncomingMessage): Promise<void> {
  await body.drain().catch((error: unknown) => {
    // If the body expands too much, it was read completely already.
    if (!(error instanceof RequestRefusal)) incoming.destroy();
  });
}
