/** What the routes that answer with JSON share. */
import type { Context, ErrorHandler } from 'hono';
import { publicTextOf } from '../../lib/errors.ts';
import type { Logger } from '../../observability/logger.ts';
import { MethodNotAllowed } from '../errors/method-not-allowed.ts';
import { statusOf } from '../errors/status.ts';
import { readBody } from '../git/git-body.ts';
import type { HttpEnv } from '../http-env.ts';
import type { Expectations } from '../middleware/expectation.ts';

/** Bytes of a body: what people ask for here is far less. */
const MAX_BODY_BYTES = 32 * 1024;

/** The whole body of a request. @throws CairnError as `readBody` does */
export async function smallBody(c: Context<HttpEnv>, expectations: Expectations): Promise<Buffer> {
  const { incoming } = c.env;
  const chunks: Buffer[] = [];
  const limits = { pace: c.get('client').sending, bytes: MAX_BODY_BYTES };
  for await (const chunk of readBody(incoming, { ...limits, onRead: () => expectations.meet(incoming) })) {
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** `{"error": <text>}`, with the status of the kind of error. */
export function jsonErrors(log: Logger): ErrorHandler<HttpEnv> {
  return (error, c) => {
    const status = statusOf(error);
    if (status >= 500) log.error({ path: c.env.incoming.url, err: error }, 'request failed');
    if (status === 401) c.header('WWW-Authenticate', 'Nostr');
    if (status === 503) c.header('Retry-After', '5');
    if (error instanceof MethodNotAllowed) c.header('Allow', error.allowed);
    return c.json({ error: publicTextOf(error) }, status as 400);
  };
}
