import { CairnError } from '../../lib/errors.ts';
import { Capabilities } from './capabilities.ts';
import { PacketReader, textOf } from './pkt-line.ts';

export { type FetchRequest, parseFetch } from './fetch-arguments.ts';
export { encodeLsRefs, type LsRefsOptions, type LsRefsResponse, parseLsRefs } from './ls-refs.ts';

/** A request of protocol v2: the body of a POST. */
export interface CommandRequest {
  /** `ls-refs`, `fetch`, …; undefined for the empty request that ends a session. */
  readonly command: string | undefined;
  readonly capabilities: Capabilities;
  /** The lines after the delimiter, one argument each; see {@link parseLsRefs} and {@link parseFetch}. */
  readonly args: readonly string[];
}

/**
 * Incremental parser of a request of protocol v2 (gitprotocol-v2, "Command Request"): the command and the capabilities
 * in any order, then an optional delimiter with arguments, then a flush.
 */
export class CommandRequestParser {
  readonly #packets: PacketReader;
  readonly #capabilities: string[] = [];
  readonly #args: string[] = [];
  #command: string | undefined;
  #state: 'capabilities' | 'arguments' | 'complete' = 'capabilities';

  /** `bytes` limits the length of the whole request. Without it, the caller bounds what it pushes. */
  constructor(options: { limits?: { bytes: number } } = {}) {
    this.#packets = new PacketReader(options.limits && { maxBytes: options.limits.bytes });
  }

  /** Reads more bytes. Returns true once the request is complete; then push no more. Throws `invalid` or `too-large`. */
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

  /** Call it at the end of the stream. Throws `invalid` if the request is not complete. */
  finish(): void {
    if (this.#state !== 'complete') throw new CairnError('invalid', 'the request ended early');
  }

  /** The request. Throws `invalid` if it is not complete. */
  get result(): CommandRequest {
    this.finish();
    return {
      command: this.#command,
      capabilities: new Capabilities(this.#capabilities),
      args: this.#args,
    };
  }

  /** Removes and returns the bytes after the request. */
  takeRest(): Buffer {
    return this.#packets.takeRest();
  }

  #line(line: string): void {
    if (this.#state === 'arguments') this.#args.push(line);
    else if (!line.startsWith('command=')) this.#capabilities.push(line);
    else if (this.#command === undefined) this.#command = line.slice('command='.length);
    else throw new CairnError('invalid', 'a request may name only one command');
  }

  #complete(): void {
    const empty = this.#state === 'capabilities' && this.#capabilities.length === 0;
    if (this.#command === undefined && !empty)
      throw new CairnError('invalid', 'the request names no command');
    this.#state = 'complete';
  }
}
