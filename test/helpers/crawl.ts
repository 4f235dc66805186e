/** Follows the links of pages, as a crawler that obeys nothing. */
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';

export interface CrawlOptions {
  /** Scheme, host and port. */
  readonly server: string;
  /** Paths where it begins. */
  readonly start: readonly string[];
  /** Which paths are followed. */
  readonly follows: (path: string) => boolean;
  /** Answers at most. */
  readonly most: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A page that was reached, and from where. */
export interface Reached {
  readonly path: string;
  readonly status: number;
  readonly from: string;
  /** Where it redirects to. */
  readonly to?: string;
}

/** Opens pages and everything that they link to. Each path is asked for once. */
export async function crawl({
  server,
  start,
  follows,
  most,
  headers = {},
}: CrawlOptions): Promise<Reached[]> {
  const waiting = start.map((path) => ({ path, from: '' }));
  const seen = new Set(start);
  const reached: Reached[] = [];
  const find = (url: string, from: string) => {
    const { origin, pathname, search } = new URL(url, `${server}${from}`);
    const path = `${pathname}${search}`;
    if (origin !== server || seen.has(path) || !follows(path)) return;
    seen.add(path);
    waiting.push({ path, from });
  };
  for (let next = waiting.shift(); next !== undefined && reached.length < most; next = waiting.shift()) {
    const { path, from } = next;
    const address = `127.0.0.${2 + (Math.floor(reached.length / PER_ADDRESS) % 250)}`;
    const answer = await ask(`${server}${path}`, address, headers);
    const isPage = answer.headers['content-type']?.startsWith('text/html') === true;
    const body = isPage ? await text(answer) : '';
    if (!isPage) answer.resume();
    const { location: to } = answer.headers;
    reached.push({ path, status: answer.statusCode ?? 0, from, ...(to === undefined ? {} : { to }) });
    if (to !== undefined) find(to, path);
    for (const [, url = ''] of body.matchAll(/\s(?:href|src)="([^"]*)"/g)) find(decodeEntities(url), path);
  }
  return reached;
}

/** Requests of one address: a server has patience with each for some time alone. */
const PER_ADDRESS = 25;

/** @param localAddress the address that the server sees */
export function ask(
  url: string,
  localAddress: string,
  headers: Readonly<Record<string, string>>,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request(url, { localAddress, headers }, resolve).on('error', reject).end();
  });
}

function decodeEntities(text: string): string {
  return text
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}
