import {
  type Capabilities,
  type ReceiveRequest,
  type ReceiveRequestOptions,
  ReceiveRequestParser,
} from '../../git/index.ts';
import { BudgetShare, ByteBudget } from '../../lib/byte-budget.ts';
import { Yielder } from '../../lib/cooperative.ts';
import { CairnError, isCairnError } from '../../lib/errors.ts';
import type { RequestBody } from '../request-body.ts';

/**
 * True if the body is only a flush: before a push that is too large to send twice, git sends such a request to find out
 * whether it has access. Bytes read of any other body are put back.
 */
export async function isProbe(body: RequestBody): Promise<boolean> {
  let read = Buffer.alloc(0);
  while (read.length <= 4) {
    const chunk = await body.next();
    if (chunk === undefined) break;
    read = Buffer.concat([read, chunk]);
  }
  body.unread(read);
  return read.length === 4 && read.toString('latin1') === '0000';
}

/** The head of a push exceeds a limit. The capabilities were read, so the reason can be reported in a form the client shows. */
export class HeadTooLarge extends CairnError {
  readonly capabilities: Capabilities;

  constructor(message: string, capabilities: Capabilities) {
    super('too-large', message);
    this.capabilities = capabilities;
  }
}

/** Bytes that the head of each push may use, whatever others use: some thousands of refs. */
const HEAD_ALWAYS = 256 * 1024;

/** Bytes that the heads of all pushes together may use above that. */
const HEADS_TOGETHER = 128 * 1024 * 1024;

/** The memory for heads of all pushes to one server. */
export function headMemory(): ByteBudget {
  return new ByteBudget(HEADS_TOGETHER);
}

/** The share of one push in that memory. The caller calls its `forget` when the push has ended. */
export function headShare(all: ByteBudget): BudgetShare {
  return new BudgetShare(all, HEAD_ALWAYS);
}

/**
 * Reads everything before the pack; the pack stays in the body.
 * @throws HeadTooLarge; CairnError `invalid` if the request is malformed, `busy` if other heads use all the memory
 */
export async function readHead(
  body: RequestBody,
  options: ReceiveRequestOptions,
  memory: BudgetShare,
): Promise<ReceiveRequest> {
  const parser = new ReceiveRequestParser(options);
  const yielder = new Yielder();
  for (let chunk = await body.next(); chunk !== undefined; chunk = await body.next()) {
    if (!memory.keep(chunk.length)) {
      throw new CairnError('busy', 'too many pushes with long lists of refs at once, try again in a moment');
    }
    if (parseChunk(parser, chunk)) {
      body.unread(parser.takeRest());
      break;
    }
    await yielder.next();
  }
  return parser.result;
}

function parseChunk(parser: ReceiveRequestParser, chunk: Buffer): boolean {
  try {
    return parser.push(chunk);
  } catch (error) {
    throw isCairnError(error, 'too-large') ? new HeadTooLarge(error.message, parser.capabilities) : error;
  }
}
