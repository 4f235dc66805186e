import {
  type Capabilities,
  type ReceiveRequest,
  type ReceiveRequestOptions,
  ReceiveRequestParser,
} from '../git/index.ts';
import { CairnError, isCairnError } from '../lib/errors.ts';
import { Pauses } from '../lib/turns.ts';
import type { RequestBody } from './request-body.ts';

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

/**
 * Reads everything a client sends before the pack; the pack stays in the body.
 * @throws HeadTooLarge; CairnError `invalid` when the request as a whole is wrong
 */
export async function readHead(body: RequestBody, options: ReceiveRequestOptions): Promise<ReceiveRequest> {
  const parser = new ReceiveRequestParser(options);
  const pauses = new Pauses();
  for (let chunk = await body.next(); chunk !== undefined; chunk = await body.next()) {
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
