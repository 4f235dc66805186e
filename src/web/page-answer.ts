import type { MadePage } from './made-page.ts';
import { JSON_HEADERS, PAGE_HEADERS } from './page-headers.ts';
import type { Representation } from './representation.ts';
import { names } from './validators.ts';

/** Bodies up to so many bytes fit into one packet, compressed or not. */
const SMALL = 1_024;

const VARY = 'Accept, Accept-Encoding';

const HEADERS: Readonly<Record<Representation, Readonly<Record<string, string>>>> = {
  html: { ...PAGE_HEADERS, 'Content-Type': 'text/html; charset=UTF-8', Vary: VARY },
  json: { ...JSON_HEADERS, Vary: VARY },
};

/** The headers of a request that the answer with a page depends on. */
export interface PageRequestHeaders {
  readonly acceptEncoding: string | undefined;
  readonly ifNoneMatch: string | undefined;
}

/** The answer with a page. */
export interface PageAnswer {
  readonly status: 200 | 304;
  /** All headers of the answer. */
  readonly headers: Readonly<Record<string, string>>;
  /** Null with status 304. */
  readonly body: Buffer | null;
}

/** Answers with a page: compressed if the client accepts it, and 304 if the client has it. */
export async function pageAnswer(
  page: MadePage,
  representation: Representation,
  { acceptEncoding, ifNoneMatch }: PageRequestHeaders,
): Promise<PageAnswer> {
  const headers = HEADERS[representation];
  const isZipped = page.body.length > SMALL && takesGzip(acceptEncoding);
  // Other bytes need another validator (RFC 9110, section 8.8.3.3).
  const etag = `"${page.digest}${isZipped ? '-gzip' : ''}"`;
  if (names(ifNoneMatch, etag)) return { status: 304, headers: { ...headers, ETag: etag }, body: null };
  const body = isZipped ? await page.zipped() : page.body;
  return {
    status: 200,
    headers: {
      ...headers,
      ETag: etag,
      'Content-Length': String(body.length),
      ...(isZipped ? { 'Content-Encoding': 'gzip' } : {}),
    },
    body,
  };
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
