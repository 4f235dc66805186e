import type { Card } from '../../src/fossil/cards.ts';
import { decodeMessage, encodeMessage } from '../../src/fossil/framing.ts';
import { readCards } from '../../src/fossil/read-cards.ts';
import { writeCards } from '../../src/fossil/write-cards.ts';
import type { Transport, TransportReply, TransportRequest } from '../../src/fossil-sync/transport.ts';

/** What a mock answers: cards, bytes as they are, or an error of the transport. */
export type MockReply = readonly Card[] | Uint8Array | Error;

/** A server that says what a test wants it to, and keeps what it was asked. */
export class MockFossilServer implements Transport {
  /** The cards of each request. */
  readonly requests: (readonly Card[])[] = [];
  /** The same uncompressed, as they came. */
  readonly messages: Buffer[] = [];
  private readonly answer: (cards: readonly Card[], exchange: number) => MockReply;

  /** @param answer gets the cards of a request, and its number from 1 on; the last of several replies is repeated */
  constructor(answer: readonly MockReply[] | ((cards: readonly Card[], exchange: number) => MockReply)) {
    this.answer =
      typeof answer === 'function' ? answer : (_, exchange) => answer[exchange - 1] ?? answer.at(-1) ?? [];
  }

  async exchange({ type, body }: TransportRequest): Promise<TransportReply> {
    const message = Buffer.from(await decodeMessage(type, body, 2 ** 30));
    const cards = [...readCards(message)];
    this.messages.push(message);
    this.requests.push(cards);
    const reply = this.answer(cards, this.requests.length);
    if (reply instanceof Error) throw reply;
    const bytes = reply instanceof Uint8Array ? reply : writeCards(reply);
    return { type, body: await encodeMessage(type, bytes) };
  }

  /** The cards of one kind in a request, from 1 on. */
  sent<K extends Card['card']>(exchange: number, kind: K): readonly Extract<Card, { readonly card: K }>[] {
    return (this.requests[exchange - 1] ?? []).filter(
      (card): card is Extract<Card, { readonly card: K }> => card.card === kind,
    );
  }
}
