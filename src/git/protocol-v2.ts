import { CairnError } from '../lib/errors.ts';
import { Capabilities } from './capabilities.ts';
import { PacketReader, textOf } from './pkt-line.ts';

export { type FetchRequest, parseFetch } from './fetch-arguments.ts';
export { encodeLsRefs, type LsRefsAnswer, type LsRefsOptions, parseLsRefs } from './ls-refs.ts';

/** One request of protocol v2: the body of a POST. */
export interface CommandRequest {
  /** `ls-refs`, `fetch`, …; undefined for the empty request by which a client says that it has no more. */
  readonly command: string | undefined;
  readonly capabilities: Capabilities;
  /** What follows the delimiter, one argument a line; read by {@link parseLsRefs} or {@link parseFetch}. */
  readonly args: readonly string[];
}

/**
 * Reads one request of protocol v2 as its bytes come (gitprotocol-v2, "Command Request"): the command and the
 * capabilities in any order, then perhaps a delimiter and arguments, then a flush.
 */
export class CommandRequestParser {
  readonly #packets: PacketReader;
  readonly #capabilities: string[] = [];
  readonly #args: string[] = [];
  #command: string | undefined;
  #state: 'capabilities' | 'arguments' | 'complete' = 'capabilities';

  /** `bytes` is how long the whole request may be; who gives no limit counts what it pushes. */
  constructor(options: { limits?: { bytes: number } } = {}) {
    this.#packets = new PacketReader(options.limits && { maxBytes: options.limits.bytes });
  }

  /** Takes in more bytes; true when the request is complete, and then no more are to be given. Throws `invalid` or `too-large`. */
  push(chunk: Buffer): boolean {
    this.#packets.push(chunk);
    while (this.#state !== 'complete') {
      const packet = this.#packets.next();
      if (packet === undefined) return false;
      if (packet.kind === 'data') this.#line(textOf(packet.payload));
      else if (packet.kind === 'flush') this.#complete();
      else if (packet.kind === 'delimiter' && this.#state === 'capabilities') this.#state = 'arguments';
      else throw new CairnError('invalid', `unexpected ${packet.kind} packet in a request`);
    }
    return true;
  }

  /** To be called at the end of the stream. Throws `invalid` when the request is not complete. */
  finish(): void {
    if (this.#state !== 'complete') throw new CairnError('invalid', 'the request ended early');
  }

  /** The request. Throws `invalid` when it is not complete. */
  get result(): CommandRequest {
    this.finish();
    return {
      command: this.#command,
      capabilities: new Capabilities(this.#capabilities),
      args: this.#args,
    };
  }

  /** What came after the request. */
  takeRest(): Buffer {
    return this.#packets.takeRest();
  }

  #line(line: string): void {
    if (this.#state === 'arguments') this.#args.push(line);
    else if (!line.startsWith('command=')) this.#capabilities.push(line);
    else if (this.#command === undefined) this.#command = line.slice('command='.length);
    else throw new CairnError('invalid', 'a request names one command only');
  }

  #complete(): void {
    const empty = this.#state === 'capabilities' && this.#capabilities.length === 0;
    if (this.#command === undefined && !empty)
      throw new CairnError('invalid', 'the request names no command');
    this.#state = 'complete';
  }
}
