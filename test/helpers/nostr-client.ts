import { npubEncode } from 'nostr-tools/nip19';
import { generateSecretKey, getPublicKey } from 'nostr-tools/wasm';
import { WebSocket } from 'ws';
import type { NostrEvent } from '../../src/nostr/event.ts';
import { finalizeEvent } from './finalize-event.ts';

/** Somebody with a key, who signs with nostr-tools as any client would. */
export class Person {
  readonly secret: Uint8Array;
  readonly publicKey: string;
  readonly npub: string;

  constructor(secret: Uint8Array = generateSecretKey()) {
    this.secret = secret;
    this.publicKey = getPublicKey(secret);
    this.npub = npubEncode(this.publicKey);
  }

  get secretHex(): string {
    return Buffer.from(this.secret).toString('hex');
  }

  /** @param at seconds; now when left out */
  sign(kind: number, tags: string[][], content = '', at = Math.floor(Date.now() / 1000)): NostrEvent {
    const { id, pubkey, sig } = finalizeEvent({ kind, tags, content, created_at: at }, this.secret);
    return { id, pubkey, created_at: at, kind, tags, content, sig };
  }
}

/** What a relay said of an event. */
export interface Answer {
  readonly accepted: boolean;
  readonly note: string;
}

type Message = readonly unknown[];

/** A client of a relay, over a real WebSocket. Every wait ends after half a minute with what was received until then. */
export class NostrClient implements AsyncDisposable {
  readonly received: Message[] = [];
  private readonly socket: WebSocket;
  private readonly waiting = new Set<() => void>();
  private subscriptions = 0;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data) => {
      this.received.push(JSON.parse(String(data)) as Message);
      for (const look of this.waiting) look();
    });
    socket.on('close', () => {
      for (const look of this.waiting) look();
    });
  }

  /** @param url of the server, `http://…` or `ws://…` */
  static async connect(
    url: string,
    options: { readonly rejectUnauthorized?: boolean; readonly headers?: Record<string, string> } = {},
  ): Promise<NostrClient> {
    const socket = new WebSocket(url.replace(/^http/, 'ws'), options);
    const client = new NostrClient(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    return client;
  }

  get closed(): boolean {
    return this.socket.readyState === WebSocket.CLOSED;
  }

  send(message: Message): void {
    this.sendText(JSON.stringify(message));
  }

  /** Sends a text as it is, a message or not. */
  sendText(text: string): void {
    this.socket.send(text);
  }

  async publish(event: NostrEvent): Promise<Answer> {
    const from = this.received.length;
    this.send(['EVENT', event]);
    const [, , accepted, note] = await this.wait(([type, id]) => type === 'OK' && id === event.id, from);
    return { accepted: accepted === true, note: String(note) };
  }

  /** Proves to hold a key (NIP-42). @param relay the URL to name in the proof */
  async authenticate(person: Person, relay: string): Promise<Answer> {
    const [, challenge] = await this.wait(([type]) => type === 'AUTH', 0);
    const event = person.sign(22_242, [
      ['relay', relay],
      ['challenge', String(challenge)],
    ]);
    const from = this.received.length;
    this.send(['AUTH', event]);
    const [, , accepted, note] = await this.wait(([type, id]) => type === 'OK' && id === event.id, from);
    return { accepted: accepted === true, note: String(note) };
  }

  /** The stored events that match. Throws when the relay closes the subscription instead. */
  async query(...filters: object[]): Promise<NostrEvent[]> {
    const subscription = `q${++this.subscriptions}`;
    const from = this.received.length;
    this.send(['REQ', subscription, ...filters]);
    const [end, , reason] = await this.wait(
      ([type, id]) => (type === 'EOSE' || type === 'CLOSED') && id === subscription,
      from,
    );
    this.send(['CLOSE', subscription]);
    if (end === 'CLOSED') throw new Error(`the relay closed the subscription: ${String(reason)}`);
    return this.received
      .slice(from)
      .filter(([type, id]) => type === 'EVENT' && id === subscription)
      .map(([, , event]) => event as NostrEvent);
  }

  async count(...filters: object[]): Promise<number> {
    const subscription = `q${++this.subscriptions}`;
    this.send(['COUNT', subscription, ...filters]);
    const [, , result] = await this.wait(([type, id]) => type === 'COUNT' && id === subscription, 0);
    return (result as { count: number }).count;
  }

  /** Waits for a message received at or after position `from`. */
  wait(matches: (message: Message) => boolean, from = this.received.length): Promise<Message> {
    return new Promise((resolve, reject) => {
      const settle = (error?: Error, message?: Message) => {
        clearTimeout(timer);
        this.waiting.delete(look);
        if (message === undefined) reject(error);
        else resolve(message);
      };
      const tell = (what: string) =>
        new Error(`${what}; received: ${JSON.stringify(this.received.slice(-5))}`);
      const look = () => {
        const found = this.received.slice(from).find(matches);
        if (found !== undefined) settle(undefined, found);
        else if (this.closed) settle(tell('the relay closed the connection'));
      };
      const timer = setTimeout(() => settle(tell('the relay did not answer')), 30_000);
      this.waiting.add(look);
      look();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.closed) return;
    const closed = new Promise((resolve) => this.socket.once('close', resolve));
    this.socket.terminate();
    await closed;
  }
}
