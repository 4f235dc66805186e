import type { Context } from 'hono';
import type { MadePage } from './made-page.ts';
import { JSON_HEADERS, PAGE_HEADERS } from './page-headers.ts';
import type { Representation } from './representation.ts';
import { isKnown } from './validators.ts';

/** Bodies up to so many bytes fit into one packet, compressed or not. */
const SMALL = 1_024;

const VARY = 'Accept, Accept-Encoding';

const HEADERS: Readonly<Record<Representation, Readonly<Record<string, string>>>> = {
  html: { ...PAGE_HEADERS, 'Content-Type': 'text/html; charset=UTF-8', Vary: VARY },
  json: { ...JSON_HEADERS, Vary: VARY },
};

/**
 * Sends a page: compressed if the client accepts it, and 304 if the client has it. The response has all headers of a page and no others:
 * a plain list of them costs less than the one that `c.header` makes, which is for answers that are not pages.
 */
export async function sendPage(
  c: Context,
  page: MadePage,
  representation: Representation,
): Promise<Response> {
  const headers = HEADERS[representation];
  const isZipped = page.body.length > SMALL && takesGzip(c.req.header('Accept-Encoding'));
  // Other bytes need another validator (RFC 9110, section 8.8.3.3).
  const etag = `"${page.digest}${isZipped ? '-gzip' : ''}"`;
  if (isKnown(c, etag)) return new Response(null, { status: 304, headers: { ...headers, ETag: etag } });
  const body = isZipped ? await page.zipped() : page.body;
  return new Response(new Uint8Array(body.buffer as ArrayBuffer, body.byteOffset, body.length), {
    headers: {
      ...headers,
      ETag: etag,
      'Content-Length': String(body.length),
      ...(isZipped ? { 'Content-Encoding': 'gzip' } : {}),
    },
  });
}

/** Whether an `Accept-Encoding` allows gzip (RFC 9110, section 12.5.3). */
export function takesGzip(header: string | undefined): boolean {
  const weights = new Map(
    (header ?? '').split(',').map((part) => {
      const [coding = '', ...parameters] = part.split(';').map((one) => one.trim().toLowerCase());
      const weight = parameters.find((one) => one.startsWith('q='))?.slice(2) ?? '1';
      return [coding, Number(weight)] as const;
    }),
  );
  return (weights.get('gzip') ?? weights.get('*') ?? 0) > 0;
}
