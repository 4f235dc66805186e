/** Requests to the server of Fossil's sync protocol as cards, and its replies as cards. */
import type { ArtifactName } from '../../src/fossil/artifact-name.ts';
import type { Card } from '../../src/fossil/cards.ts';
import { type ContentType, decodeMessage, encodeMessage } from '../../src/fossil/framing.ts';
import { loginCard, loginSecret } from '../../src/fossil/login.ts';
import { readCards } from '../../src/fossil/read-cards.ts';
import { writeCards } from '../../src/fossil/write-cards.ts';
import { type ExchangeHost, serveExchange } from '../../src/fossil-sync/server/exchange.ts';
import { PASSWORD } from './fossil-host.ts';

export interface SentOptions {
  /** Logs in with {@link PASSWORD}. */
  readonly user?: string;
  readonly type?: ContentType;
  /** The `Cookie` header. */
  readonly cookie?: string;
}

export interface ReceivedReply {
  readonly type: ContentType;
  readonly cards: readonly Card[];
  readonly text: string;
}

const LARGEST = 2 ** 30;

/** A client that sends single requests. */
export class FossilRequests {
  readonly projectCode: string;
  private readonly host: ExchangeHost;

  constructor(host: ExchangeHost, projectCode: string) {
    this.host = host;
    this.projectCode = projectCode;
  }

  /** Sends cards, signed if a user is named. */
  send(cards: readonly Card[], options: SentOptions = {}): Promise<ReceivedReply> {
    return this.sendBytes(this.signed(writeCards(cards), options.user), options);
  }

  /** A message with the login of a user before it. */
  signed(message: Uint8Array, user: string | undefined): Uint8Array {
    if (user === undefined) return message;
    const secret = loginSecret(this.projectCode, user, PASSWORD);
    return Buffer.concat([writeCards([loginCard(user, secret, message)]), message]);
  }

  async sendBytes(
    message: Uint8Array,
    { type = 'application/x-fossil', cookie }: SentOptions = {},
  ): Promise<ReceivedReply> {
    const body = await encodeMessage(type, message);
    const reply = await serveExchange(this.host, { type, body, ...(cookie === undefined ? {} : { cookie }) });
    const bytes = await decodeMessage(reply.type, reply.body, LARGEST);
    return { type: reply.type, cards: [...readCards(bytes)], text: Buffer.from(bytes).toString('latin1') };
  }

  get pull(): Card {
    return { card: 'pull', serverCode: 'x', projectCode: this.projectCode };
  }

  get push(): Card {
    return { card: 'push', serverCode: 'x', projectCode: this.projectCode };
  }
}

/** The cards of one kind. */
export function cardsOf<K extends Card['card']>(
  { cards }: ReceivedReply,
  kind: K,
): Extract<Card, { readonly card: K }>[] {
  return cards.filter((card): card is Extract<Card, { readonly card: K }> => card.card === kind);
}

/** The text of the error, if the request was refused. */
export function errorOf(reply: ReceivedReply): string | undefined {
  const [error] = reply.cards.filter((card) => card.card === 'error');
  return error !== undefined && 'text' in error ? error.text : undefined;
}

/** Names of the artifacts that a reply sends. */
export function sentNames({ cards }: ReceivedReply): ArtifactName[] {
  return cards.flatMap((card) => (card.card === 'file' || card.card === 'cfile' ? [card.name] : []));
}

/** Names that a reply announces. */
export function announcedNames(reply: ReceivedReply): ArtifactName[] {
  return cardsOf(reply, 'igot').map(({ name }) => name);
}

/** Pragmas of a reply by name, with their arguments. */
export function pragmasOf(reply: ReceivedReply, name: string): (readonly string[])[] {
  return cardsOf(reply, 'pragma')
    .filter((card) => card.name === name)
    .map(({ args }) => args);
}
