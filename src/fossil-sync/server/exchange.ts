/** One request of the sync protocol as bytes, whatever carries it: decoded, admitted, answered, encoded. */
import type { Card, LoginCard } from '../../fossil/cards.ts';
import { type ContentType, decodeMessage, encodeMessage } from '../../fossil/framing.ts';
import { cookieLogin } from '../../fossil/login.ts';
import { type CardLimits, type CardReader, readCards } from '../../fossil/read-cards.ts';
import { FossilSyntaxError } from '../../fossil/syntax-error.ts';
import { answerRound, answerStranger, type RoundReply, refuse } from './answer-round.ts';
import type { RoundContext, RoundRights } from './round-context.ts';
import { RoundRefusal } from './round-refusal.ts';
import type { ServedRepository, StateSource } from './served-repository.ts';

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
   * Decides who a request is from. Called once for each; of one that brings artifacts, first with the state in memory, and again if
   * that does not do.
   * @param login undefined if the request has none
   * @param message all of it, the login included
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
  const open = () => ({ ...openMessage(host, message, cookie), message, type, signal });
  if (message.byteLength <= MOST_FROM_MEMORY && bringsArtifacts(open().cards)) {
    const reply = await answerFromMemory(host, open());
    if (reply !== undefined) return reply;
  }
  const request = open();
  const admission = await host.admit(request.login, message);
  if (admission === undefined) throw new RoundRefusal('login failed');
  return answerAdmitted(host, request, admission);
}

interface OpenedMessage {
  /** Undefined for requests without one, and for names that need no password. */
  readonly login: SentLogin | undefined;
  /** Cards behind the login. Can be read once. */
  readonly cards: Iterable<Card>;
}

interface OpenedRequest extends OpenedMessage {
  readonly message: Uint8Array;
  readonly type: ContentType;
  readonly signal: AbortSignal | undefined;
}

function openMessage(host: ExchangeHost, message: Uint8Array, cookie: string | undefined): OpenedMessage {
  const fromCookie = cookieLogin(cookie);
  const reader = readCards(message, { ...host.cards, tables: host.round.tables !== undefined });
  const { lead, login } = leadOf(reader);
  // Newer clients send one or the other, never both.
  if (login !== undefined && fromCookie !== undefined) throw new RoundRefusal('login failed');
  const sent = fromCookie === undefined ? login : { card: fromCookie, bytes: message };
  return { login: isNobody(sent) ? undefined : sent, cards: chain(lead, reader) };
}

/**
 * Answers a request that brings artifacts without a look at the store before: the swap that publishes them proves that the state in
 * memory was current, the rights of the sender included.
 * @returns undefined if the request must be answered over the state in the store. Then nothing of it was published
 */
async function answerFromMemory(host: ExchangeHost, request: OpenedRequest): Promise<RoundReply | undefined> {
  let admission: Admission | undefined;
  try {
    admission = await host.admit(request.login, request.message, 'memory');
  } catch {
    return undefined;
  }
  if (admission?.repository === undefined || !admission.rights.write) return undefined;
  const reply = await answerAdmitted(host, request, admission);
  return (await admission.repository.isCurrent()) ? reply : undefined;
}

async function answerAdmitted(
  host: ExchangeHost,
  { cards, message, type, signal }: OpenedRequest,
  { repository, rights, user, actor, projectCode }: Admission,
): Promise<RoundReply> {
  const context = { ...host.round, rights, user, actor, ...(signal === undefined ? {} : { signal }) };
  const round = { cards, bytes: message.byteLength, type };
  if (repository === undefined || !rights.read) return answerStranger(round, context, projectCode);
  return answerRound(repository, round, context);
}

/** Bytes of a message that may be answered from memory: it is read and verified twice if that fails. */
const MOST_FROM_MEMORY = 1 << 20;

/** Cards among which the first artifact comes: clients request up to 200 missing ones before. */
const BEFORE_ARTIFACTS = 256;

/** Whether a message brings artifacts or unversioned files. What cannot be read is refused later. */
function bringsArtifacts(cards: Iterable<Card>): boolean {
  try {
    let count = 0;
    for (const { card } of cards) {
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
