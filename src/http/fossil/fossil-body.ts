import type { IncomingMessage } from 'node:http';
import type { BudgetShare } from '../../lib/byte-budget.ts';
import { CairnError, messageOf } from '../../lib/errors.ts';

/** Waits for a step of the client; ends it if the client is too slow. */
export interface BodyPace {
  during<T>(step: Promise<T>, moved: () => number): Promise<T>;
}

export interface FossilBodyLimits {
  /** Absent: the client may take as long as it likes. */
  readonly pace?: BodyPace;
  /** Bytes as they travel. */
  readonly bytes: number;
  /** Holds what is kept of the body. */
  readonly memory: BudgetShare;
  /** Called before anything is read. */
  readonly onRead?: () => void;
}

/** A body that is refused is still read, up to this many times the limit: stock clients read no reply before they have sent all. */
const READ_TO_REFUSE = 8;

/**
 * The whole body of a request.
 * @throws CairnError `too-large` or `busy` once the client has sent everything, so that it reads why; `invalid` if the client has
 *   gone or the body is encoded
 */
export async function readFossilBody(incoming: IncomingMessage, limits: FossilBodyLimits): Promise<Buffer> {
  const { bytes, memory, pace, onRead } = limits;
  const encoding = incoming.headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  onRead?.();
  const body = new Collected(incoming, bytes);
  const source = incoming[Symbol.asyncIterator]();
  let size = 0;
  let refusal: CairnError | undefined =
    encoding === 'identity'
      ? undefined
      : new CairnError('invalid', `content encoding ${encoding} is not supported`);
  try {
    for (;;) {
      const next = source.next();
      const step = await (pace === undefined ? next : pace.during(next, () => incoming.socket.bytesRead));
      if (step.done) break;
      const chunk = step.value as Buffer;
      size += chunk.length;
      if (size > bytes) refusal ??= tooLarge(bytes);
      else if (!memory.keep(chunk.length)) {
        refusal ??= new CairnError('busy', 'too many pushes at once, try again in a moment');
      }
      if (refusal === undefined) body.add(chunk);
      else body.forget();
      if (size > READ_TO_REFUSE * bytes) {
        incoming.destroy();
        throw tooLarge(bytes);
      }
    }
  } catch (error) {
    if (error instanceof CairnError) throw error;
    throw new CairnError('invalid', `the request body cannot be read: ${messageOf(error)}`, { cause: error });
  }
  if (refusal !== undefined) throw refusal;
  return body.bytes;
}

/** Bodies of at least so many bytes are collected in one piece of memory: joining them would take it twice. */
const IN_ONE_PIECE = 1 << 20;

/** What has come of a body. */
class Collected {
  private whole: Buffer | undefined;
  private chunks: Buffer[] = [];
  private length = 0;

  /** @param most bytes that are kept */
  constructor(incoming: IncomingMessage, most: number) {
    const declared = Number(incoming.headers['content-length'] ?? 0);
    // Memory that nothing is written to takes no place: a client may declare much and send little.
    if (declared >= IN_ONE_PIECE && declared <= most) this.whole = Buffer.allocUnsafeSlow(declared);
  }

  add(chunk: Buffer): void {
    if (this.whole === undefined) this.chunks.push(chunk);
    else chunk.copy(this.whole, this.length);
    this.length += chunk.length;
  }

  /** Frees the memory of what has come; nothing may be added afterwards. */
  forget(): void {
    this.whole = undefined;
    this.chunks = [];
  }

  get bytes(): Buffer {
    return this.whole?.subarray(0, this.length) ?? Buffer.concat(this.chunks, this.length);
  }
}

function tooLarge(bytes: number): CairnError {
  return new CairnError('too-large', `the request has more than ${bytes} bytes`);
}
