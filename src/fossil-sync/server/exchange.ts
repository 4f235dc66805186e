/** One request of the sync protocol as bytes, whatever carries it: decoded, admitted, answered, encoded. */
import type { Card, LoginCard } from '../../fossil/cards.ts';
import { type ContentType, decodeMessage, encodeInPieces, encodeMessage } from '../../fossil/framing.ts';
import { cookieLogin } from '../../fossil/login.ts';
import { type CardLimits, readCards } from '../../fossil/read-cards.ts';
import { readCardsOfFile } from '../../fossil/read-cards-of-file.ts';
import { FossilSyntaxError } from '../../fossil/syntax-error.ts';
import { type Bytes, FileBytes, inMemory } from '../../lib/file-bytes.ts';
import type { ScratchFiles } from '../../lib/scratch-files.ts';
import {
  answerRound,
  answerStranger,
  type RoundMessage,
  type RoundReply,
  refuse,
  sizeOf,
} from './answer-round.ts';
import type { RoundContext, RoundRights } from './round-context.ts';
import { RoundRefusal } from './round-refusal.ts';
import type { ServedRepository, StateSource } from './served-repository.ts';

/** A login, and the bytes that its nonce must cover. */
export interface SentLogin {
  readonly card: LoginCard;
  readonly bytes: Bytes;
}

/** Who sent a request, and what there is for that sender. */
export interface Admission {
  /** Undefined for requests without a login. */
  readonly user: string | undefined;
  /** Public key of that user. */
  readonly actor: string | undefined;
  readonly rights: RoundRights;
  /** Undefined if there is none, or the sender may not read it: both get the same answer. */
  readonly repository: ServedRepository | undefined;
  /** What a clone that is refused is told, so that it can sign its next round. */
  readonly projectCode: string;
}

/** What answers the requests for one URL. */
export interface ExchangeHost {
  /**
   * Decides who a request is from. Called once for each; of one that brings artifacts, first with the state in memory, and again if
   * that does not do.
   * @param login undefined if the request has none
   * @param message all of it, the login included; of one in a file its first 64 KiB
   * @param from of which state; of the store if absent. From memory, `undefined` and errors mean nothing but that the store must be asked
   * @returns undefined if the login is wrong
   */
  admit(
    login: SentLogin | undefined,
    message: Uint8Array,
    from?: StateSource,
  ): Promise<Admission | undefined>;
  readonly round: Omit<RoundContext, 'rights' | 'user' | 'actor' | 'signal'>;
  /** Bytes of a message, uncompressed. */
  readonly messageBytes: number;
  readonly cards?: Partial<CardLimits>;
  /** For messages that are too large for memory. */
  readonly scratch: ScratchFiles;
}

export interface ExchangeRequest {
  readonly type: ContentType;
  /** In a file only if it is decoded. */
  readonly body: Bytes;
  /** True if the body is the message itself, whatever the type says. */
  readonly isDecoded?: boolean;
  /** The `Cookie` header. */
  readonly cookie?: string;
}

export interface ExchangeReply {
  readonly type: ContentType;
  readonly body: Uint8Array;
}

/** A reply whose body comes in chunks. They may be shared with other replies, and must not be changed. */
export interface ChunkedReply {
  readonly type: ContentType;
  readonly chunks: readonly Bytes[];
  /** To be called when all chunks have been sent and nothing reads them any more: their memory serves again. */
  readonly release?: () => void;
  /** Closes files. To be called in any case, once nothing reads the chunks any more. */
  readonly close?: () => Promise<void>;
}

/**
 * Answers a request. Everything that is wrong with it is told in an `error` card, since stock clients show nothing else.
 * @returns Throws only the signal's reason
 */
export async function serveExchange(
  host: ExchangeHost,
  request: ExchangeRequest,
  signal?: AbortSignal,
): Promise<ExchangeReply> {
  return await joined(await serveInChunks(host, request, signal));
}

/** As {@link serveExchange}, without a copy of the pages of clones. */
export async function serveInChunks(
  host: ExchangeHost,
  request: ExchangeRequest,
  signal?: AbortSignal,
): Promise<ChunkedReply> {
  const { type } = request;
  try {
    return await encodeReply(host, await answerMessage(host, request, signal));
  } catch (error) {
    signal?.throwIfAborted();
    return refuseInChunks(host, type, error);
  }
}

/** The reply to a request that cannot be served, for example because its body is too large to be read. */
export async function refuseExchange(
  host: ExchangeHost,
  type: ContentType,
  error: unknown,
): Promise<ExchangeReply> {
  return joined(await refuseInChunks(host, type, error));
}

/** As {@link refuseExchange}. */
export async function refuseInChunks(
  host: ExchangeHost,
  type: ContentType,
  error: unknown,
): Promise<ChunkedReply> {
  return encodeReply(host, refuse(error, type, host.round));
}

/** A reply in memory, for whoever takes it as a whole. */
async function joined({ type, chunks, close }: ChunkedReply): Promise<ExchangeReply> {
  try {
    const [first, ...more] = await Promise.all(chunks.map(inMemory));
    return {
      type,
      body:
        first !== undefined && more.length === 0
          ? first
          : Buffer.concat([...(first === undefined ? [] : [first]), ...more]),
    };
  } finally {
    await close?.();
  }
}

/** Bytes of a message that is compressed in memory. */
const MOST_IN_MEMORY = 8 << 20;

async function encodeReply(host: ExchangeHost, reply: RoundReply): Promise<ChunkedReply> {
  const { type, message, release, close } = reply;
  if (type !== 'application/x-fossil') {
    const releasing = release === undefined ? {} : { release };
    return { type, chunks: message, ...releasing, ...(close === undefined ? {} : { close }) };
  }
  try {
    const parts = message.filter((part): part is Uint8Array => !(part instanceof FileBytes));
    if (parts.length === message.length && sizeOf(message) <= MOST_IN_MEMORY) {
      return { type, chunks: [await encodeMessage(type, Buffer.concat(parts))] };
    }
    const file = await host.scratch.open();
    try {
      await encodeInPieces(message, (piece) => file.append(piece));
      return { type, chunks: [await file.bytes()], close: () => file.close() };
    } catch (error) {
      await file.close();
      throw error;
    }
  } finally {
    await close?.();
  }
}

async function answerMessage(
  host: ExchangeHost,
  { type, body, isDecoded = false, cookie }: ExchangeRequest,
  signal: AbortSignal | undefined,
): Promise<RoundReply> {
  const message =
    isDecoded || body instanceof FileBytes ? body : await decodeMessage(type, body, host.messageBytes);
  const open = async () => ({ ...(await openMessage(host, message, cookie)), type, signal });
  if (bringsFew(host, message)) {
    const reply = await answerFromMemory(host, await open());
    if (reply !== undefined) return reply;
  }
  const request = await open();
  const admission = await host.admit(request.login, request.head);
  if (admission === undefined) throw new RoundRefusal('login failed');
  return answerAdmitted(host, request, admission);
}

interface OpenedMessage {
  /** Undefined for requests without one, and for names that need no password. */
  readonly login: SentLogin | undefined;
  /** Cards behind the login. Can be read once. */
  readonly cards: RoundMessage['cards'];
  /** The message, or what it begins with. */
  readonly head: Uint8Array;
  /** Bytes of the message. */
  readonly bytes: number;
}

interface OpenedRequest extends OpenedMessage {
  readonly type: ContentType;
  readonly signal: AbortSignal | undefined;
}

/** Bytes of a message in a file that tell who sent it: the project is in one of the first cards. */
const HEAD_BYTES = 1 << 16;

async function openMessage(
  host: ExchangeHost,
  message: Bytes,
  cookie: string | undefined,
): Promise<OpenedMessage> {
  const fromCookie = cookieLogin(cookie);
  const opened = message instanceof FileBytes ? await openFile(host, message) : openWhole(host, message);
  const { lead } = opened;
  // Newer clients send one or the other, never both.
  if (lead.login !== undefined && fromCookie !== undefined) throw new RoundRefusal('login failed');
  const sent = fromCookie === undefined ? lead.login : { card: fromCookie, bytes: message };
  const { cards, head } = opened;
  return { login: isNobody(sent) ? undefined : sent, cards, head, bytes: message.length };
}

function openWhole(host: ExchangeHost, message: Uint8Array) {
  const reader = readCards(message, cardLimits(host));
  const lead = new Lead();
  for (let card = reader.next(); card !== undefined; card = reader.next()) {
    if (lead.ends(card, () => reader.rest)) break;
  }
  return { lead, cards: chain(lead.cards, reader), head: message };
}

async function openFile(host: ExchangeHost, message: FileBytes) {
  const reader = readCardsOfFile(message, cardLimits(host));
  const lead = new Lead<FileBytes>();
  for await (const card of reader) {
    if (lead.ends(card, () => reader.rest)) break;
  }
  return { lead, cards: chainOfFile(lead.cards, reader), head: await message.read(0, HEAD_BYTES) };
}

function cardLimits(host: ExchangeHost): Partial<CardLimits> {
  return { ...host.cards, tables: host.round.tables !== undefined };
}

/**
 * Answers a request that brings artifacts without a look at the store before: the swap that publishes them proves that the state in
 * memory was current, the rights of the sender included.
 * @returns undefined if the request must be answered over the state in the store. Then nothing of it was published
 */
async function answerFromMemory(host: ExchangeHost, request: OpenedRequest): Promise<RoundReply | undefined> {
  let admission: Admission | undefined;
  try {
    admission = await host.admit(request.login, request.head, 'memory');
  } catch {
    return undefined;
  }
  if (admission?.repository === undefined || !admission.rights.write) return undefined;
  const reply = await answerAdmitted(host, request, admission);
  if (await admission.repository.isCurrent()) return reply;
  reply.release?.();
  await reply.close?.();
  return undefined;
}

async function answerAdmitted(
  host: ExchangeHost,
  { cards, bytes, type, signal }: OpenedRequest,
  { repository, rights, user, actor, projectCode }: Admission,
): Promise<RoundReply> {
  const context = { ...host.round, rights, user, actor, ...(signal === undefined ? {} : { signal }) };
  const round = { cards, bytes, type };
  if (repository === undefined || !rights.read) return answerStranger(round, context, projectCode);
  return answerRound(repository, round, context);
}

/** Bytes of a message that may be answered from memory: it is read and verified twice if that fails. */
const MOST_FROM_MEMORY = 1 << 20;

/** Cards among which the first artifact comes: clients request up to 200 missing ones before. */
const BEFORE_ARTIFACTS = 256;

/** Whether a message brings artifacts or unversioned files, and may be answered from memory. What cannot be read is refused later. */
function bringsFew(host: ExchangeHost, message: Bytes): boolean {
  if (message instanceof FileBytes || message.length > MOST_FROM_MEMORY) return false;
  try {
    let count = 0;
    for (const { card } of readCards(message, cardLimits(host))) {
      if (card === 'file' || card === 'cfile' || card === 'uvfile') return true;
      count++;
      if (count === BEFORE_ARTIFACTS) return false;
    }
  } catch (error) {
    // The reader of the request reports it.
    if (!(error instanceof FossilSyntaxError)) throw error;
  }
  return false;
}

/** User names that log in without a password. */
function isNobody(login: SentLogin | undefined): boolean {
  return login?.card.user === 'nobody' || login?.card.user === 'anonymous';
}

/** Cards before a login: stock clients send none, and others a few. */
const MOST_LEADING = 100;

/** The cards up to the login, which comes before everything except some pragmas and comments. */
class Lead<P extends Bytes = Uint8Array> {
  readonly cards: Card<P>[] = [];
  login: SentLogin | undefined;

  /** Takes the next card. @param rest what follows it. @returns whether a login can no more follow */
  ends(card: Card<P>, rest: () => Bytes): boolean {
    if (card.card === 'login') {
      this.login = { card, bytes: rest() };
      return true;
    }
    this.cards.push(card);
    return (card.card !== 'pragma' && card.card !== 'comment') || this.cards.length === MOST_LEADING;
  }
}

function* chain(lead: readonly Card[], rest: Iterable<Card>): Generator<Card> {
  yield* lead;
  yield* rest;
}

async function* chainOfFile(
  lead: readonly Card<FileBytes>[],
  rest: AsyncIterable<Card<FileBytes>>,
): AsyncGenerator<Card<FileBytes>> {
  yield* lead;
  yield* rest;
}
