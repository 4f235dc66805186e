import { CairnError } from '../../lib/errors.ts';
import { hexLength, isZeroId, type ObjectFormat, readObjectId } from '../object-id.ts';
import type { RefCommand } from '../refs/ref-command.ts';
import { decodeRefName, refNameProblem } from '../refs/ref-name.ts';
import { type Capabilities, parseCapabilities } from './capabilities.ts';
import { lineOf, type Packet, PacketReader, textOf } from './pkt-line.ts';
import { shown } from './request-line.ts';

/** A command as it was received. One with a `problem` is refused with that reason. */
export type ReceivedCommand = RefCommand & {
  readonly problem?: string;
  /** The name as it was sent if it is not UTF-8, for the report; `name` is then an escaped form of it. */
  readonly rawName?: Buffer;
};

/** Everything a client sends to receive-pack before the pack. */
export interface ReceiveRequest {
  readonly commands: readonly ReceivedCommand[];
  /** Commits whose parents the client does not have. */
  readonly shallow: readonly string[];
  readonly capabilities: Capabilities;
  readonly pushOptions: readonly string[];
  /** The body is only `0000`. git sends such a request before a push that is too large to send twice. */
  readonly probe: boolean;
  /** A pack follows, because some command is not a delete. */
  readonly needsPack: boolean;
}

export interface ReceiveRequestOptions {
  readonly format: ObjectFormat;
  /** Maximum counts; `bytes` bounds the length of everything before the pack. */
  readonly limits: {
    readonly commands: number;
    readonly bytes: number;
    readonly shallow: number;
    readonly pushOptions: number;
  };
}

/**
 * Incremental parser of the head of a push (gitprotocol-pack, "Reference Update Request"): `shallow` lines, then
 * commands, the first of them with the capabilities after a NUL, then a flush; then push options and a flush, if they
 * were negotiated. An error of one ref becomes the `problem` of its command, so that the report names it for that ref.
 * An error of the whole request is thrown.
 */
export class ReceiveRequestParser {
  readonly #options: ReceiveRequestOptions;
  readonly #packets: PacketReader;
  readonly #shallow: string[] = [];
  readonly #pushOptions: string[] = [];
  #commands: ReceivedCommand[] = [];
  readonly #names = new Set<string>();
  /** Refs that several commands name. */
  readonly #repeated = new Set<string>();
  #capabilities: Capabilities | undefined;
  #state: 'commands' | 'push-options' | 'complete' = 'commands';

  constructor(options: ReceiveRequestOptions) {
    this.#options = options;
    this.#packets = new PacketReader({ maxBytes: options.limits.bytes });
  }

  /** Reads more bytes. Returns true once the head is complete; then push no more. Throws `invalid` or `too-large`. */
  push(chunk: Buffer): boolean {
    this.#packets.push(chunk);
    while (this.#state !== 'complete') {
      const packet = this.#packets.next();
      if (packet === undefined) return false;
      if (packet.kind === 'flush') this.#endSection();
      else if (packet.kind !== 'data') throw unexpectedPacket(packet);
      else if (this.#state === 'push-options') this.#pushOption(textOf(packet.payload));
      else this.#line(lineOf(packet.payload));
    }
    return true;
  }

  /** Call it at the end of the stream. Throws `invalid` if the head is not complete. */
  finish(): void {
    if (this.#state !== 'complete') throw new CairnError('invalid', 'the request ended early');
  }

  /** The head. Throws `invalid` if it is not complete. */
  get result(): ReceiveRequest {
    this.finish();
    return {
      commands: this.#commands,
      shallow: this.#shallow,
      capabilities: this.capabilities,
      pushOptions: this.#pushOptions,
      probe: this.#commands.length === 0 && this.#shallow.length === 0,
      needsPack: this.#commands.some((command) => !isZeroId(command.newId)),
    };
  }

  /**
   * The client's capabilities once its first command was read; empty before. They are needed early, so that a request
   * that fails half-way is still answered in a form that its client shows.
   */
  get capabilities(): Capabilities {
    return this.#capabilities ?? parseCapabilities('');
  }

  /** Removes and returns the bytes after the head: the beginning of the pack. */
  takeRest(): Buffer {
    return this.#packets.takeRest();
  }

  #line(line: Buffer): void {
    if (line.toString('latin1', 0, 8) === 'shallow ') this.#shallowLine(line.toString('latin1', 8));
    else this.#command(this.#withoutCapabilities(line));
  }

  #shallowLine(id: string): void {
    const oid = readObjectId(id, this.#options.format);
    if (oid === undefined)
      throw new CairnError('invalid', `expected a commit id in ${shown(`shallow ${id}`)}`);
    if (this.#shallow.length === this.#options.limits.shallow)
      throw tooMany('shallow commits', this.#shallow);
    this.#shallow.push(oid);
  }

  /** Cuts off what follows a NUL. In the first line, these are the capabilities. */
  #withoutCapabilities(line: Buffer): Buffer {
    const nul = line.indexOf(0);
    if (this.#capabilities === undefined) {
      this.#capabilities = parseCapabilities(nul === -1 ? '' : line.toString('utf8', nul + 1));
      const { format } = this.#options;
      const requested = this.#capabilities.value('object-format') ?? 'sha1';
      if (requested !== format) {
        throw new CairnError(
          'invalid',
          `this repository has object format ${format}, and the push has ${shown(requested)}`,
        );
      }
    }
    return nul === -1 ? line : line.subarray(0, nul);
  }

  #command(line: Buffer): void {
    if (line.toString('latin1') === 'push-cert') {
      throw new CairnError('invalid', 'signed pushes (push-cert) are not supported');
    }
    const digits = hexLength(this.#options.format);
    const text = line.toString('latin1', 0, 2 * digits + 2);
    const oldId = readObjectId(text.slice(0, digits), this.#options.format);
    const newId = readObjectId(text.slice(digits + 1, -1), this.#options.format);
    if (oldId === undefined || newId === undefined || text[digits] !== ' ' || !text.endsWith(' ')) {
      throw new CairnError(
        'invalid',
        `expected old id, new id and ref, got ${shown(line.toString('latin1'))}`,
      );
    }
    if (this.#commands.length === this.#options.limits.commands) throw tooMany('refs', this.#commands);
    const command = { oldId, newId, ...readName(line.subarray(text.length)) };
    if (this.#names.has(command.name)) this.#repeated.add(command.name);
    this.#names.add(command.name);
    this.#commands.push(command);
  }

  #pushOption(option: string): void {
    if (this.#pushOptions.length === this.#options.limits.pushOptions) {
      throw tooMany('push options', this.#pushOptions);
    }
    this.#pushOptions.push(option);
  }

  #endSection(): void {
    if (this.#state === 'commands') {
      this.#commands = withDuplicatesRefused(this.#commands, this.#repeated);
    }
    const optionsFollow = this.#state === 'commands' && this.capabilities.has('push-options');
    this.#state = optionsFollow ? 'push-options' : 'complete';
  }
}

function readName(bytes: Buffer): { name: string; problem?: string; rawName?: Buffer } {
  const name = decodeRefName(bytes);
  if (name === undefined) {
    // No valid ref name has a backslash, so the escaped form is never the name of another ref.
    const rendered = bytes.toString('latin1').replace(/[^\x21-\x5b\x5d-\x7e]/g, escaped);
    return { name: rendered, problem: 'a ref name must be valid UTF-8', rawName: Buffer.from(bytes) };
  }
  const problem = refNameProblem(name);
  return problem === undefined ? { name } : { name, problem };
}

function escaped(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

/** Refuses all commands for a ref that several commands name: which one is meant cannot be known. */
function withDuplicatesRefused(
  commands: ReceivedCommand[],
  repeated: ReadonlySet<string>,
): ReceivedCommand[] {
  if (repeated.size === 0) return commands;
  return commands.map((command) =>
    repeated.has(command.name) && command.problem === undefined
      ? { ...command, problem: `multiple updates for ref ${command.name} in one push` }
      : command,
  );
}

function tooMany(what: string, taken: readonly unknown[]): CairnError {
  return new CairnError('too-large', `one push may name at most ${taken.length} ${what}`);
}

function unexpectedPacket(packet: Packet): CairnError {
  return new CairnError('invalid', `unexpected ${packet.kind} packet before the pack`);
}
