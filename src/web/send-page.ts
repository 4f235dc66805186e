import type { Context } from 'hono';
import type { MadePage } from './made-page.ts';
import { pageAnswer } from './page-answer.ts';
import type { Representation } from './representation.ts';

/**
 * Sends a page as {@link pageAnswer} says. The response has all headers of a page and no others: a plain list of them costs less than
 * the one that `c.header` makes, which is for answers that are not pages.
 */
export async function sendPage(
  c: Context,
  page: MadePage,
  representation: Representation,
): Promise<Response> {
  const { status, headers, body } = await pageAnswer(page, representation, {
    acceptEncoding: c.req.header('Accept-Encoding'),
    ifNoneMatch: c.req.header('If-None-Match'),
  });
  const bytes = body && new Uint8Array(body.buffer as ArrayBuffer, body.byteOffset, body.length);
  return new Response(bytes, { status, headers });
}
