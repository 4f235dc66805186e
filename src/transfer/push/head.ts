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
 * True when the body is git's probe: before a push that is too large to be sent twice, it sends a lone flush to see
 * whether it would be let in. What was read of any other body is given back.
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

/** A push names more than it may. As its commands can be read, so can what its client is able to show. */
export class HeadTooLarge extends CairnError {
  readonly capabilities: Capabilities;

  constructor(message: string, capabilities: Capabilities) {
    super('too-large', message);
    this.capabilities = capabilities;
  }
}

/** Bytes that the head of each push may have, whatever others have: some thousands of refs. */
const HEAD_ALWAYS = 256 * 1024;

/** Bytes that the heads of all pushes together may have above that. */
const HEADS_TOGETHER = 128 * 1024 * 1024;

/** The memory for heads of all pushes to one server. */
export function headMemory(): ByteBudget {
  return new ByteBudget(HEADS_TOGETHER);
}

/** The share that one push has of it: to be forgotten when the push has ended. */
export function headShare(all: ByteBudget): BudgetShare {
  return new BudgetShare(all, HEAD_ALWAYS);
}

/**
 * Reads everything a client sends before the pack; the pack stays in the body.
 * @throws HeadTooLarge; CairnError `invalid` when the request as a whole is wrong, `busy` when other heads have all the memory
 */
export async function readHead(
  body: RequestBody,
  options: ReceiveRequestOptions,
  memory: BudgetShare,
): Promise<ReceiveRequest> {
  const parser = new ReceiveRequestParser(options);
  const pauses = new Yielder();
  for (let chunk = await body.next(); chunk !== undefined; chunk = await body.next()) {
    if (!memory.keep(chunk.length)) {
      throw new CairnError('busy', 'too many long lists of refs are being pushed now, try again in a moment');
    }
    if (takeIn(parser, chunk)) {
      body.unread(parser.takeRest());
      break;
    }
    await pauses.next();
  }
  return parser.result;
}

function takeIn(parser: ReceiveRequestParser, chunk: Buffer): boolean {
  try {
    return parser.push(chunk);
  } catch (error) {
    throw isCairnError(error, 'too-large') ? new HeadTooLarge(error.message, parser.capabilities) : error;
  }
}
