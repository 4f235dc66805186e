/** One request of the sync protocol as bytes, whatever carries it: decoded, admitted, answered, encoded. */
import type { Card, LoginCard } from '../../fossil/cards.ts';
import { type ContentType, decodeMessage, encodeMessage } from '../../fossil/framing.ts';
import { cookieLogin } from '../../fossil/login.ts';
import { type CardLimits, type CardReader, readCards } from '../../fossil/read-cards.ts';
import { answerRound, answerStranger, type RoundReply, refuse } from './answer-round.ts';
import type { RoundContext, RoundRights } from './round-context.ts';
import { RoundRefusal } from './round-refusal.ts';
import type { ServedRepository } from './served-repository.ts';

/** A login, and the bytes that its nonce must cover. */
export interface SentLogin {
  readonly card: LoginCard;
  readonly bytes: Uint8Array;
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
   * Decides who a request is from. Called once for each.
   * @param login undefined if the request has none
   * @param message all of it, the login included
   * @returns undefined if the login is wrong
   */
  admit(login: SentLogin | undefined, message: Uint8Array): Promise<Admission | undefined>;
  readonly round: Omit<RoundContext, 'rights' | 'user' | 'actor' | 'signal'>;
  /** Bytes of a message, uncompressed. */
  readonly messageBytes: number;
  readonly cards?: Partial<CardLimits>;
}

export interface ExchangeRequest {
  readonly type: ContentType;
  readonly body: Uint8Array;
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
  readonly chunks: readonly Uint8Array[];
  /** To be called when all chunks have been sent and nothing reads them any more: their memory serves again. */
  readonly release?: () => void;
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
  return joined(await serveInChunks(host, request, signal));
}

/** As {@link serveExchange}, without a copy of the pages of clones. */
export async function serveInChunks(
  host: ExchangeHost,
  request: ExchangeRequest,
  signal?: AbortSignal,
): Promise<ChunkedReply> {
  const { type } = request;
  try {
    return await encodeReply(await answerMessage(host, request, signal));
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
  return encodeReply(refuse(error, type, host.round));
}

function joined({ type, chunks }: ChunkedReply): ExchangeReply {
  const [first, ...more] = chunks;
  return { type, body: first !== undefined && more.length === 0 ? first : Buffer.concat(chunks) };
}

async function encodeReply({ type, message, release }: RoundReply): Promise<ChunkedReply> {
  if (type !== 'application/x-fossil') {
    return { type, chunks: message, ...(release === undefined ? {} : { release }) };
  }
  return { type, chunks: [await encodeMessage(type, Buffer.concat(message))] };
}

async function answerMessage(
  host: ExchangeHost,
  { type, body, isDecoded = false, cookie }: ExchangeRequest,
  signal: AbortSignal | undefined,
): Promise<RoundReply> {
  const message = isDecoded ? body : await decodeMessage(type, body, host.messageBytes);
  const fromCookie = cookieLogin(cookie);
  const reader = readCards(message, { ...host.cards, tables: host.round.tables !== undefined });
  const { lead, login } = leadOf(reader);
  // Newer clients send one or the other, never both.
  if (login !== undefined && fromCookie !== undefined) throw new RoundRefusal('login failed');
  const sent = fromCookie === undefined ? login : { card: fromCookie, bytes: message };
  const admission = await host.admit(isNobody(sent) ? undefined : sent, message);
  if (admission === undefined) throw new RoundRefusal('login failed');
  const { repository, rights, user, actor, projectCode } = admission;
  const context = { ...host.round, rights, user, actor, ...(signal === undefined ? {} : { signal }) };
  const round = { cards: chain(lead, reader), bytes: message.byteLength, type };
  if (repository === undefined || !rights.read) return answerStranger(round, context, projectCode);
  return answerRound(repository, round, context);
}

/** User names that log in without a password. */
function isNobody(login: SentLogin | undefined): boolean {
  return login?.card.user === 'nobody' || login?.card.user === 'anonymous';
}

/** Cards before a login: stock clients send none, and others a few. */
const MOST_LEADING = 100;

/** The cards up to the login, which comes before everything except some pragmas and comments. */
function leadOf(reader: CardReader): { readonly lead: readonly Card[]; readonly login?: SentLogin } {
  const lead: Card[] = [];
  for (let card = reader.next(); card !== undefined; card = reader.next()) {
    if (card.card === 'login') return { lead, login: { card, bytes: reader.rest } };
    lead.push(card);
    if ((card.card !== 'pragma' && card.card !== 'comment') || lead.length === MOST_LEADING) break;
  }
  return { lead };
}

function* chain(lead: readonly Card[], rest: Iterable<Card>): Generator<Card> {
  yield* lead;
  yield* rest;
}
