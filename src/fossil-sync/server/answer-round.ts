/**
 * The server's side of Fossil's sync protocol: one request, one reply. Nothing is kept between two requests of a session, so
 * any server over the same store may answer the next one.
 */
import type { Card } from '../../fossil/cards.ts';
import type { ContentType } from '../../fossil/framing.ts';
import { isCairnError, publicTextOf } from '../../lib/errors.ts';
import type { Bytes, FileBytes } from '../../lib/file-bytes.ts';
import { faultFires } from '../faults.ts';
import { type RequestOperation, runWithin } from '../observer.ts';
import { receivedUnversioned } from '../received-cards.ts';
import { announceAll, announceClusters, announcePrivate, announceUnclustered } from './announce.ts';
import { askForMissing } from './ask-for-missing.ts';
import { answerCheckInPragmas } from './check-in-pragmas.ts';
import { addClonePage } from './clone-page.ts';
import { sendConfiguration } from './configuration.ts';
import { grantsOf } from './grants.ts';
import { Reply } from './reply.ts';
import type { Round } from './round.ts';
import { NO_RIGHTS, type RoundContext } from './round-context.ts';
import { RoundRefusal } from './round-refusal.ts';
import { type ArtifactLookup, NO_ARTIFACTS, type RoundRequest, readRoundRequest } from './round-request.ts';
import { sendArtifacts } from './send-artifacts.ts';
import type { ServedRepository } from './served-repository.ts';
import { answerTableCards } from './table-cards.ts';
import { announceUnversioned, sendUnversioned } from './unversioned-files.ts';

export interface RoundMessage {
  /** Cards behind the login. Reading one may throw FossilSyntaxError. */
  readonly cards: Iterable<Card> | AsyncIterable<Card<FileBytes>>;
  /** Of the whole message, uncompressed. */
  readonly bytes: number;
  readonly type: ContentType;
}

export interface RoundReply {
  /** Uncompressed, in chunks that may be shared with other replies and must not be changed. */
  readonly message: readonly Bytes[];
  readonly type: ContentType;
  /** Lets memory of the message serve again, once nothing reads it any more. Without the call it is garbage. */
  readonly release?: () => void;
  /** Closes files of the message. To be called in any case, once nothing reads them any more. */
  readonly close?: () => Promise<void>;
}

/**
 * Answers one request. Whatever is wrong with it is told in an `error` card, since stock clients show nothing else.
 * @returns Throws only the reason of the context's signal
 */
export async function answerRound(
  repository: ServedRepository,
  message: RoundMessage,
  context: RoundContext,
): Promise<RoundReply> {
  return inObservedRound(message, context, String(repository), repository.bag, async (request, reply) => {
    await answer(repository, request, reply, context);
  });
}

/**
 * Answers a request of somebody who may not read, or for a repository that is not there: in the same words, and without a look
 * at any repository.
 * @param projectCode what a clone that is refused is told
 */
export async function answerStranger(
  message: RoundMessage,
  context: RoundContext,
  projectCode: string,
): Promise<RoundReply> {
  const nothing = { ...context, rights: NO_RIGHTS };
  return inObservedRound(message, nothing, undefined, NO_ARTIFACTS, async (request, reply) => {
    grantsOf(request, NO_RIGHTS, projectCode, reply);
  });
}

/** Reads the request, tells the observer of it, and turns what is thrown into an `error` card. */
async function inObservedRound(
  message: RoundMessage,
  context: RoundContext,
  repository: string | undefined,
  lookup: ArtifactLookup,
  work: (request: RoundRequest, reply: Reply) => Promise<void>,
): Promise<RoundReply> {
  const { observer, clock, limits, signal, user } = context;
  let request: RoundRequest;
  try {
    request = await readRoundRequest(message.cards, lookup);
  } catch (error) {
    return refuse(error, message.type, context);
  }
  const about = { operation: operationOf(request), repository, user };
  return runWithin(observer.requestStarted(about), async () => {
    const reply = new Reply(message.type, clock, limits);
    const received = {
      cards: request.cards,
      filesReceived: request.files.length,
      requestBytes: message.bytes,
    };
    try {
      await work(request, reply);
      const chunks = reply.end(0);
      const { filesSent, igotsSent, gimmesSent } = reply;
      const sent = { filesSent, igotsSent, gimmesSent, replyBytes: reply.size };
      observer.requestCompleted({ ...about, ...received, ...sent, error: undefined });
      const { type } = reply;
      return { message: chunks, type, release: () => reply.release(), close: () => reply.close() };
    } catch (error) {
      await reply.close();
      signal?.throwIfAborted();
      const refused = refuse(error, message.type, context);
      const sent = { filesSent: 0, igotsSent: 0, gimmesSent: 0, replyBytes: sizeOf(refused.message) };
      observer.requestCompleted({ ...about, ...received, ...sent, error: textOf(error) });
      return refused;
    }
  });
}

/** The reply that says nothing but what is wrong. The observer hears of faults of the server. */
export function refuse(
  error: unknown,
  type: ContentType,
  context: Pick<RoundContext, 'clock' | 'limits' | 'observer' | 'serverCode'>,
): RoundReply {
  if (!(error instanceof RoundRefusal) && !isFaultOfTheRequest(error)) context.observer.error(error);
  const reply = new Reply(type, context.clock, context.limits);
  const projectCode = error instanceof RoundRefusal ? error.projectCode : undefined;
  if (projectCode !== undefined) reply.add({ card: 'push', serverCode: context.serverCode, projectCode });
  reply.add({ card: 'error', text: textOf(error) });
  return { message: reply.end(1), type };
}

/** Bytes of chunks together. */
export function sizeOf(chunks: readonly Bytes[]): number {
  return chunks.reduce((size, { length }) => size + length, 0);
}

function isFaultOfTheRequest(error: unknown): boolean {
  return isCairnError(error) && error.kind !== 'unavailable' && error.kind !== 'corrupt';
}

function textOf(error: unknown): string {
  return error instanceof RoundRefusal ? error.message : publicTextOf(error);
}

async function answer(
  repository: ServedRepository,
  request: RoundRequest,
  reply: Reply,
  context: RoundContext,
): Promise<void> {
  const { bag } = repository;
  const grants = grantsOf(request, context.rights, bag.state.projectCode, reply);
  const round: Round = { repository, request, grants, reply, context, bag };
  await takeIn(round);
  for (const pragma of request.pragmas) {
    if (pragma.pragma === 'uv-hash') await announceUnversioned(round, pragma.hash);
  }
  await answerCheckInPragmas(round);
  sendConfiguration(round);
  answerTableCards(round);
  await sendUnversioned(round);
  const { clone } = request;
  const isLegacyClone = clone !== undefined && clone.version < 2;
  if (clone !== undefined && !isLegacyClone) await addClonePage(round, clone);
  if (grants.pull || isLegacyClone) await sendArtifacts(round, isLegacyClone);
  if (clone !== undefined) {
    const { projectCode } = round.bag.state;
    reply.add({ card: 'push', serverCode: context.serverCode, projectCode });
  }
  if (grants.push) askForMissing(round);
  if (isLegacyClone && request.gimmeCount === 0) await announceAll(round);
  else if (grants.pull) await announceForPull(round);
  if (grants.withPrivate && (grants.pull || isLegacyClone)) await announcePrivate(round);
}

async function announceForPull(round: Round): Promise<void> {
  const { pragmas } = round.request;
  const has = (name: string) => pragmas.some(({ pragma }) => pragma === name);
  if (has('send-catalog')) return announceAll(round);
  await announceUnclustered(round);
  if (has('req-clusters')) await announceClusters(round);
}

async function takeIn(round: Round): Promise<void> {
  const { repository, request, context, bag } = round;
  const { faults, actor } = context;
  const artifacts = request.files.filter(({ name }) => !bag.isShunned(name));
  const dropped = faultFires(faults, 'server.drop-unversioned-file');
  const unversioned = dropped ? [] : request.unversionedFiles.map(receivedUnversioned);
  if (artifacts.length === 0 && unversioned.length === 0) return;
  if (faultFires(faults, 'server.fail-before-publish')) throw new RoundRefusal('a fault before the publish');
  const onUnsettled = (error: unknown) => context.observer.error(error);
  round.bag = await repository.take({ artifacts, unversioned, cause: 'push', actor, onUnsettled });
  if (faultFires(faults, 'server.fail-after-publish')) throw new RoundRefusal('a fault after the publish');
}

function operationOf({ clone, push, pull }: RoundRequest): RequestOperation {
  if (clone !== undefined) return 'clone';
  if (push) return pull ? 'sync' : 'push';
  return pull ? 'pull' : 'other';
}
