import { once } from 'node:events';
import { WebSocket } from 'ws';
import { CairnError } from '../src/lib/errors.ts';
import type { NostrEvent } from '../src/nostr/event.ts';

/** A client of a relay over a WebSocket that does as little as it can: what takes time is the server. One call at a time. */
export class RelayClient {
  readonly #socket: WebSocket;
  /** What the call under way makes of a message: true when it was the last it waits for. */
  #take: (text: string) => boolean = () => false;
  #settle: { resolve(): void; reject(error: unknown): void } | undefined;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data) => this.#receive(String(data)));
    socket.on('close', (code) => this.#fail(new CairnError('unavailable', `the relay hung up (${code})`)));
    socket.on('error', (error) => this.#fail(error));
  }

  /**
   * @param url of the server, `http://…`
   * @param from the address to call from, for a server that believes a proxy: its limits are by address
   */
  static async connect(url: string, from?: string): Promise<RelayClient> {
    const headers = from === undefined ? {} : { 'X-Forwarded-For': from };
    const socket = new WebSocket(url.replace(/^http/, 'ws'), { headers });
    await once(socket, 'open');
    return new RelayClient(socket);
  }

  /** Sends all events at once and waits until each has been accepted. Throws with the relay's words when one is not. */
  async publish(events: readonly NostrEvent[]): Promise<void> {
    const missing = new Set(events.map((event) => event.id));
    const texts = events.map((event) => JSON.stringify(['EVENT', event]));
    await this.#exchange(texts, (text) => {
      const [type, id, accepted, note] = JSON.parse(text) as unknown[];
      if (type !== 'OK' || typeof id !== 'string') return false;
      if (accepted !== true) throw new CairnError('unavailable', `the relay refused an event: ${note}`);
      missing.delete(id);
      return missing.size === 0;
    });
  }

  /** Asks for stored events: seconds from the request to the end of the answer, and how many came. */
  async request(filter: object): Promise<{ readonly seconds: number; readonly events: number }> {
    const began = performance.now();
    let events = 0;
    // The same name each time: a request takes the place of the one before.
    await this.#exchange([JSON.stringify(['REQ', 'bench', filter])], (text) => {
      if (text.startsWith('["EVENT"')) {
        events++;
        return false;
      }
      const [type, , reason] = JSON.parse(text) as unknown[];
      if (type === 'CLOSED') throw new CairnError('unavailable', `the relay refused a request: ${reason}`);
      return type === 'EOSE';
    });
    return { seconds: (performance.now() - began) / 1000, events };
  }

  async close(): Promise<void> {
    if (this.#socket.readyState === WebSocket.CLOSED) return;
    const closed = new Promise<void>((resolve) => this.#socket.once('close', () => resolve()));
    this.#socket.terminate();
    await closed;
  }

  #exchange(texts: readonly string[], take: (text: string) => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#take = take;
      this.#settle = { resolve, reject };
      if (this.#socket.readyState !== WebSocket.OPEN) {
        this.#fail(new CairnError('unavailable', 'the connection is closed'));
        return;
      }
      for (const text of texts) this.#socket.send(text);
    });
  }

  #receive(text: string): void {
    if (this.#settle === undefined) return;
    try {
      if (!this.#take(text)) return;
      this.#settle.resolve();
      this.#settle = undefined;
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#settle?.reject(error);
    this.#settle = undefined;
  }
}
