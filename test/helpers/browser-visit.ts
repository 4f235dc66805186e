/** A browser without a window: it keeps cookies, names the origin of forms as browsers do, and follows nothing by itself. */
import { expect } from 'vitest';
import type { Person } from './nostr-client.ts';

let visits = 0;

export class Visit {
  /** By name. */
  readonly cookies = new Map<string, string>();
  private readonly server: string;
  private readonly base: string;
  /** Its own, for servers that trust a proxy to say it. */
  private readonly address: string;

  /** @param server where requests go @param base the public URL, which forms come from */
  constructor(server: string, base = server) {
    this.server = server;
    this.base = base;
    visits++;
    this.address = `10.1.${visits >> 8}.${visits & 255}`;
  }

  async get(path: string, headers: Record<string, string> = {}): Promise<Response> {
    return this.request(path, { headers });
  }

  /** Posts a form of a page of the service. @param headers instead of those that browsers send */
  async post(
    path: string,
    fields: Readonly<Record<string, string>>,
    headers: Record<string, string> = { Origin: new URL(this.base).origin, 'Sec-Fetch-Site': 'same-origin' },
  ): Promise<Response> {
    const body = new URLSearchParams(fields).toString();
    return this.request(path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...headers },
      body,
    });
  }

  /** Signs in with an extension, from the page to sign in on. @param at date of the event, in seconds */
  async signInWithExtension(person: Person, next = '/'): Promise<Response> {
    const form = await this.challenge(next);
    return this.post('/sign-in', { event: JSON.stringify(signInEvent(person, form)), next });
  }

  /** What the page to sign in on asks an extension to sign. */
  async challenge(next = '/'): Promise<{ url: string; challenge: string; now: number }> {
    const page = await (await this.get(`/sign-in?next=${encodeURIComponent(next)}`)).text();
    const [, url = '', challenge = '', now = ''] =
      /data-url="([^"]*)" data-challenge="([^"]*)" data-now="(\d+)"/.exec(page) ?? [];
    expect(challenge, page.slice(0, 500)).not.toBe('');
    return { url, challenge, now: Number(now) };
  }

  private async request(path: string, init: RequestInit & { headers: Record<string, string> }) {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(`${this.server}${path}`, {
      ...init,
      headers: {
        'X-Forwarded-For': this.address,
        ...(cookie === '' ? {} : { Cookie: cookie }),
        ...init.headers,
      },
      redirect: 'manual',
    });
    for (const set of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? [];
      if (/max-age=0/i.test(set)) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    return response;
  }
}

/** The event that an extension signs for a form. @param tags instead of those that the form asks for */
export function signInEvent(
  person: Person,
  { url, challenge, now }: { readonly url: string; readonly challenge: string; readonly now: number },
  tags = [
    ['u', url],
    ['method', 'POST'],
    ['challenge', challenge],
  ],
) {
  return person.sign(27_235, tags, '', now);
}
