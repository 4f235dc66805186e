/** What replaces a secret. */
const REDACTED = '<redacted>';

/** A shorter text would be found in places where it means something else. */
const SHORTEST = 4;

/** Keeps secrets out of texts that people see: errors, traces, messages of programs. */
export class Secrets {
  private readonly known = new Set<string>();

  /** Remembers a secret, and the ways in which it is written in URLs and in `Authorization`. */
  add(secret: string, userName = ''): void {
    const basic = Buffer.from(`${userName}:${secret}`).toString('base64');
    for (const form of [secret, encodeURIComponent(secret), basic]) {
      if (form.length >= SHORTEST) this.known.add(form);
    }
  }

  /** The text without secrets that are known, and without the user part of any URL. */
  redact(text: string): string {
    let safe = text;
    // The longest first: one may be part of another.
    for (const secret of [...this.known].sort((a, b) => b.length - a.length)) {
      safe = safe.replaceAll(secret, REDACTED);
    }
    return safe.replace(/(\b[a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/@]{1,2000}@/gi, '$1');
  }
}

/** For remotes to which no secret is shown from here: knows none, and takes the user part out of URLs. */
export const withoutUsers = new Secrets();

/** A header as a trace shows it. */
export function shownHeader(name: string, value: string): string {
  if (!/^(authorization|proxy-authorization|cookie|set-cookie)$/i.test(name)) return `${name}: ${value}`;
  const scheme = /^[a-z]+(?= )/i.exec(value)?.[0];
  return `${name}: ${scheme === undefined ? '' : `${scheme} `}${REDACTED}`;
}
