import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ContentType, decodeMessage } from '../../fossil/framing.ts';
import {
  type ChunkedReply,
  type ExchangeHost,
  refuseInChunks,
  serveInChunks,
} from '../../fossil-sync/server/exchange.ts';
import { BudgetShare, type ByteBudget } from '../../lib/byte-budget.ts';
import type { Bytes } from '../../lib/file-bytes.ts';
import { Limiter } from '../../lib/limiter.ts';
import { type BodyPace, type FossilBodyLimits, readFossilBody } from './fossil-body.ts';
import { writeFossilReply } from './fossil-reply.ts';

/** Bytes that each request may keep whatever others keep: an ordinary round. */
const ALWAYS_KEPT = 256 * 1024;

/** Large messages that may wait for their turn. */
const WAITING = 16;

/** Turns for large messages; one for all handlers that share a memory. */
export function turnsForLargeMessages(): Limiter {
  return new Limiter('large pushes', 1, WAITING);
}

export interface FossilRequestOptions extends Pick<FossilBodyLimits, 'pace' | 'onRead'> {
  /** For the messages of all requests. */
  readonly memory: ByteBudget;
  readonly turns: Limiter;
  /** For the reply; absent: the client may take as long as it likes. */
  readonly taking?: BodyPace;
  /** Aborted when the client has gone. */
  readonly signal?: AbortSignal;
}

/**
 * Answers one request of a Fossil client. The reply always has a length and is never sent in chunks: clients up to 2.23 read
 * nothing else. A refusal is a reply like others, with status 200.
 * @param type what its `Content-Type` header names
 * @returns Throws the signal's reason, and errors of a client that has gone
 */
export async function answerFossil(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  type: ContentType,
  host: ExchangeHost,
  options: FossilRequestOptions,
): Promise<void> {
  const share = new BudgetShare(options.memory, ALWAYS_KEPT);
  try {
    const reply = await exchange(incoming, type, host, { ...options, share });
    await writeFossilReply(outgoing, reply, options.taking);
  } finally {
    share.forget();
  }
}

async function exchange(
  incoming: IncomingMessage,
  type: ContentType,
  host: ExchangeHost,
  {
    share,
    signal,
    turns,
    memory: _memory,
    taking: _taking,
    ...reading
  }: FossilRequestOptions & { readonly share: BudgetShare },
): Promise<ChunkedReply> {
  const { cookie } = incoming.headers;
  let received: ReceivedMessage;
  try {
    received = await receiveMessage(incoming, type, host, { share, turns, signal, reading });
  } catch (error) {
    if (signal?.aborted === true || (incoming.destroyed && !incoming.complete)) throw error;
    return refuseInChunks(host, type, error);
  }
  await using held = received;
  const { message } = held;
  const request = { type, body: message, isDecoded: true, ...(cookie === undefined ? {} : { cookie }) };
  return await serveInChunks(host, request, signal);
}

interface Receiving {
  readonly share: BudgetShare;
  readonly turns: Limiter;
  readonly signal: AbortSignal | undefined;
  readonly reading: Pick<FossilBodyLimits, 'pace' | 'onRead'>;
}

interface ReceivedMessage extends AsyncDisposable {
  readonly message: Bytes;
}

/** The message of a body. Nothing of the body is in memory afterwards. A large message has a turn, and is in a file. */
async function receiveMessage(
  incoming: IncomingMessage,
  type: ContentType,
  { messageBytes, scratch }: ExchangeHost,
  { share, turns, signal, reading }: Receiving,
): Promise<ReceivedMessage> {
  const limits = { ...reading, bytes: messageBytes, memory: share, scratch };
  const body = await readFossilBody(incoming, type, limits);
  if (body instanceof Uint8Array) {
    return {
      message: await decodeMessage(type, body, messageBytes),
      [Symbol.asyncDispose]: async () => undefined,
    };
  }
  try {
    // Only now: a client that sends slowly keeps nobody else from a turn.
    const release = await turns.acquire(signal);
    return {
      message: await body.bytes(),
      [Symbol.asyncDispose]: () => body.close().finally(release),
    };
  } catch (error) {
    await body.close();
    throw error;
  }
}
