import type { IncomingMessage } from 'node:http';
import type { ContentType } from '../../fossil/framing.ts';
import type { BudgetShare } from '../../lib/byte-budget.ts';
import { CairnError, isCairnError, messageOf } from '../../lib/errors.ts';
import type { ScratchFile, ScratchFiles } from '../../lib/scratch-files.ts';
import { MessageSpool } from './message-spool.ts';

/** Waits for a step of the client; ends it if the client is too slow. */
export interface BodyPace {
  during<T>(step: Promise<T>, moved: () => number): Promise<T>;
}

export interface FossilBodyLimits {
  /** Absent: the client may take as long as it likes. */
  readonly pace?: BodyPace;
  /** Bytes of the body as they travel, and of the message. */
  readonly bytes: number;
  /** For bodies and messages in memory. What has no room there goes to disk. */
  readonly memory: BudgetShare;
  /** For all others. */
  readonly scratch: ScratchFiles;
  /** Called before anything is read. */
  readonly onRead?: () => void;
}

/** What came: a small body as it is, or the message of a large one, decoded. Its owner closes the file. */
export type ReceivedBody = Buffer | ScratchFile;

/** Bodies and messages of more bytes are kept on disk: what is made of one takes as much memory again. */
export const LARGE_MESSAGE = 4 * 2 ** 20;

/** A body that is refused is still read, up to this many times the limit: stock clients read no reply before they have sent all. */
const READ_TO_REFUSE = 8;

/** The first bytes of a compressed body have the size of the message. */
const SIZE_BYTES = 4;

/**
 * The whole body of a request.
 * @param type of the body
 * @throws CairnError `too-large`, `busy`, or `invalid` if a large body cannot be decoded, once the client has sent everything, so that
 *   it reads why; `invalid` if the client has gone or the body is encoded
 */
export async function readFossilBody(
  incoming: IncomingMessage,
  type: ContentType,
  limits: FossilBodyLimits,
): Promise<ReceivedBody> {
  const { bytes, pace, onRead } = limits;
  const encoding = incoming.headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  onRead?.();
  await using body = new Collected(type, limits, Number(incoming.headers['content-length'] ?? 0));
  if (encoding !== 'identity') {
    body.refuse(new CairnError('invalid', `content encoding ${encoding} is not supported`));
  }
  const source = incoming[Symbol.asyncIterator]();
  let size = 0;
  try {
    for (;;) {
      const next = source.next();
      const step = await (pace === undefined ? next : pace.during(next, () => incoming.socket.bytesRead));
      if (step.done) break;
      const chunk = step.value as Buffer;
      size += chunk.length;
      if (size > bytes) body.refuse(tooLarge(bytes));
      await body.add(chunk);
      if (size > READ_TO_REFUSE * bytes) {
        incoming.destroy();
        throw tooLarge(bytes);
      }
    }
  } catch (error) {
    if (error instanceof CairnError) throw error;
    throw new CairnError('invalid', `the request body cannot be read: ${messageOf(error)}`, { cause: error });
  }
  return await body.end();
}

/** What has come of a body: in memory first, on disk as soon as it is known to be large. */
class Collected implements AsyncDisposable {
  private readonly type: ContentType;
  private readonly limits: FossilBodyLimits;
  private readonly declared: number;
  private chunks: Buffer[] = [];
  private length = 0;
  private isSizeKnown = false;
  private spool: MessageSpool | undefined;
  private refusal: CairnError | undefined;

  /** @param declared bytes of the body, as its header says; 0 if it does not */
  constructor(type: ContentType, limits: FossilBodyLimits, declared: number) {
    this.type = type;
    this.limits = limits;
    this.declared = declared;
  }

  /** Keeps nothing of what came or comes. The first refusal counts. */
  refuse(error: CairnError): void {
    this.refusal ??= error;
    this.chunks = [];
  }

  /** Takes a chunk. What is wrong with it is told at the end. */
  async add(chunk: Buffer): Promise<void> {
    if (this.refusal !== undefined) return;
    try {
      if (this.spool !== undefined) await this.spool.add(chunk);
      else {
        this.chunks.push(chunk);
        this.length += chunk.length;
        if (!this.staysInMemory(chunk.length)) await this.moveToDisk();
      }
    } catch (error) {
      if (!isCairnError(error)) throw error;
      this.refuse(error);
      await this.spool?.close();
    }
  }

  /** @throws the refusal */
  async end(): Promise<ReceivedBody> {
    const { spool } = this;
    if (this.refusal !== undefined) throw this.refusal;
    if (spool === undefined) return Buffer.concat(this.chunks, this.length);
    const file = await spool.end();
    this.spool = undefined;
    return file;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.spool?.close();
  }

  /** Takes memory for a chunk, and for the message once its size is known. */
  private staysInMemory(bytes: number): boolean {
    const { memory } = this.limits;
    if (this.declared > LARGE_MESSAGE || this.length > LARGE_MESSAGE || !memory.keep(bytes)) return false;
    if (this.isSizeKnown || this.type !== 'application/x-fossil' || this.length < SIZE_BYTES) return true;
    this.isSizeKnown = true;
    const size = Buffer.concat(this.chunks, this.length).readUInt32BE(0);
    return size <= LARGE_MESSAGE && memory.keep(size);
  }

  private async moveToDisk(): Promise<void> {
    const { limits, chunks } = this;
    this.chunks = [];
    limits.memory.forget();
    this.spool = await MessageSpool.open(this.type, limits.bytes, limits.scratch);
    for (const chunk of chunks) await this.spool.add(chunk);
  }
}

function tooLarge(bytes: number): CairnError {
  return new CairnError('too-large', `the request has more than ${bytes} bytes`);
}
