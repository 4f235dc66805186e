import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { messageOf } from '../../src/lib/errors.ts';
import { graspUrl } from '../../src/nostr/repository-url.ts';
import { ownerKey } from '../owner.ts';
import { packet } from '../raw-connection.ts';

/** Somebody without a key or a right, who calls from an address of the loopback range. */
export class Stranger {
  readonly #base: string;
  readonly #identifier: string;
  readonly #address: string;

  constructor(base: string, identifier: string, address: string) {
    this.#base = base;
    this.#identifier = identifier;
    this.#address = address;
  }

  get #repository(): URL {
    return new URL(graspUrl(this.#base, ownerKey, this.#identifier));
  }

  /**
   * Pushes a pack to the tip of a pull request that nobody has announced.
   * @returns the server's last word: `ok`, `ng …`, a status, or what became of the connection
   */
  push(pack: Buffer, tip: string, signal: AbortSignal): Promise<string> {
    const ref = `refs/nostr/${randomBytes(32).toString('hex')}`;
    const command = packet(`${'0'.repeat(40)} ${tip} ${ref}\0 report-status side-band-64k`);
    const body = Buffer.concat([Buffer.from(`${command}0000`), pack]);
    return this.#post('git-receive-pack', body, signal);
  }

  #post(service: string, body: Buffer, signal: AbortSignal): Promise<string> {
    return new Promise((resolve) => {
      const outgoing = request(`${this.#repository}/${service}`, {
        method: 'POST',
        localAddress: this.#address,
        headers: { 'Content-Type': `application/x-${service}-request`, 'Content-Length': body.length },
        signal,
      });
      outgoing.on('error', (error) => resolve(signal.aborted ? 'given up' : messageOf(error)));
      outgoing.on('response', (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', (error) => resolve(signal.aborted ? 'given up' : messageOf(error)));
        incoming.on('end', () =>
          resolve(verdict(incoming.statusCode ?? 0, Buffer.concat(chunks).toString('latin1'))),
        );
      });
      outgoing.end(body);
    });
  }

  /** Opens a connection and begins a request that does not come to an end. The caller destroys it. */
  begin(head: string): Socket {
    const { hostname, port } = new URL(this.#base);
    const socket = connect({ host: hostname, port: Number(port), localAddress: this.#address });
    // The server is expected to hang up.
    socket.on('error', () => undefined);
    socket.write(head);
    return socket;
  }

  /** The head of a POST whose body comes in chunks, and the path it goes to. */
  postHead(service: 'git-upload-pack' | 'git-receive-pack'): string {
    const { pathname, host } = this.#repository;
    return [
      `POST ${pathname}/${service} HTTP/1.1`,
      `Host: ${host}`,
      `Content-Type: application/x-${service}-request`,
      'Transfer-Encoding: chunked',
      '\r\n',
    ].join('\r\n');
  }
}

/** The last word of an answer. */
function verdict(status: number, text: string): string {
  if (status !== 200) return String(status);
  // Between a ref and the reason, its name is another one each time.
  const refused = /ng refs\/nostr\/[0-9a-f]+ ([^\n\0]{0,80})/.exec(text);
  if (refused !== null) return `ng ${(refused[1] ?? '').replaceAll(/[0-9a-f]{40}/g, '…')}`;
  return /ok refs\//.test(text) ? 'ok' : 'no report';
}

/** Counts what was answered. */
export class Tally {
  readonly #counts = new Map<string, number>();

  add(word: string): void {
    this.#counts.set(word, (this.#counts.get(word) ?? 0) + 1);
  }

  toString(): string {
    const sorted = [...this.#counts].sort(([, left], [, right]) => right - left);
    return sorted.map(([word, count]) => `${count} × ${word}`).join('; ');
  }
}
