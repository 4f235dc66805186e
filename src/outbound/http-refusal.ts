/** What an HTTP answer that is not a success means for a mirror. */
import { STATUS_CODES } from 'node:http';
import type { ErrorKind } from '../lib/errors.ts';
import type { HttpAnswer } from './http-transport.ts';
import { readBriefly } from './read-briefly.ts';
import { RemoteError } from './remote-error.ts';
import { saferReason } from './safer-text.ts';
import { statedLimit } from './stated-limit.ts';

/** How much of the body of an error is read, and for how long it is waited: the status alone says enough. */
const ERROR_BODY = { bytes: 64 * 1024, milliseconds: 5_000 };
/** Bytes of its text that are shown. */
const SHOWN_BYTES = 600;

/** Headers that help the operator of the server to find the request. */
const DIAGNOSTIC_HEADERS = [
  'cf-ray',
  'x-request-id',
  'request-id',
  'x-trace-id',
  'x-amz-request-id',
  'x-github-request-id',
  'server',
] as const;

/** Statuses that a kind of their own fits. */
const KINDS: Readonly<Record<number, ErrorKind>> = {
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not-found',
  408: 'unavailable',
  // Another request of somebody else is in the way, or the repository is locked. Nothing is known of its refs.
  409: 'unavailable',
  410: 'not-found',
  413: 'too-large',
  425: 'busy',
  429: 'busy',
  451: 'forbidden',
  503: 'busy',
};

/** The server, or a proxy in front of it, did not want to wait any longer. 524 is Cloudflare's. */
const WAITED_TOO_LONG = new Set([408, 504, 524]);

/**
 * The error of an answer that is not a success. Reads and ends its body.
 * @param where the URL as a person may see it
 * @param sent bytes of the request that were sent
 * @param redact takes secrets out of texts, before they are cut off
 */
export async function refusalOf(
  answer: HttpAnswer,
  where: string,
  sent: number,
  redact: (text: string) => string,
): Promise<RemoteError> {
  const { status, headers } = answer;
  const text = await errorText(answer);
  const limit = statedLimit(text);
  const kind = limit !== undefined && status >= 400 ? 'too-large' : kindOf(status);
  const diagnostics = DIAGNOSTIC_HEADERS.flatMap((name) => {
    const value = headers[name];
    return value === undefined ? [] : [`${name}: ${saferReason(value, redact, 120)}`];
  });
  const words = [`${where} answers ${status} ${STATUS_CODES[status] ?? ''}`.trim()];
  const shown = saferReason(text, redact, SHOWN_BYTES);
  if (text !== '' && !repeatsStatus(shown, status)) words.push(`: ${shown}`);
  if (diagnostics.length > 0) words.push(` (${diagnostics.join(', ')})`);
  return new RemoteError(kind, words.join(''), {
    status,
    sent,
    ...(limit === undefined ? {} : { bodyLimit: limit }),
    ...(WAITED_TOO_LONG.has(status) ? { brokenOff: true } : {}),
  });
}

/** True for a text such as `404 Not Found`, as many servers entitle their error pages. */
function repeatsStatus(text: string, status: number): boolean {
  return text.startsWith(`${status} `) && /^[A-Za-z '-]{1,40}$/.test(text.slice(4));
}

function kindOf(status: number): ErrorKind {
  const kind = KINDS[status];
  if (kind !== undefined) return kind;
  if (status >= 500) return 'unavailable';
  return status >= 400 ? 'invalid' : 'corrupt';
}

/** The beginning of the body as text; empty if it is not text. A body that breaks off says what it has said until then. */
async function errorText({ headers, body }: HttpAnswer): Promise<string> {
  const bytes = await readBriefly(body[Symbol.asyncIterator](), ERROR_BODY);
  if (isEncoded(headers['content-encoding'])) return '';
  const text = bytes.toString('utf8');
  return /html/i.test(headers['content-type'] ?? '') ? withoutTags(text) : text;
}

/** True for a compressed body, although no compression was requested. */
export function isEncoded(contentEncoding: string | undefined): boolean {
  return contentEncoding !== undefined && !/^\s*(identity)?\s*$/i.test(contentEncoding);
}

/** The title of an error page says it all, as a rule. */
function withoutTags(html: string): string {
  const [, title] = /<title[^>]{0,200}>([^<]{1,300})<\/title>/i.exec(html) ?? [];
  return title ?? html.replace(/<[^>]{0,1000}>/g, ' ');
}
