/** Feeds in Atom (RFC 4287). */

export interface AtomEntry {
  /** Absolute; its entry's name for ever. */
  readonly url: string;
  /** Tells entries of the same URL apart; empty if there is one alone. */
  readonly version?: string;
  readonly title: string;
  /** Seconds since 1970. */
  readonly updated: number;
  readonly author: string;
  /** Plain text. */
  readonly text: string;
}

export interface AtomFeed {
  readonly title: string;
  /** Absolute URLs of the page that says the same to people, and of the feed itself. */
  readonly page: string;
  readonly self: string;
  readonly entries: readonly AtomEntry[];
}

/** The type of a feed. */
export const ATOM_TYPE = 'application/atom+xml; charset=utf-8';

/** Characters of a title and of a text. */
const TITLE = 300;
const TEXT = 10_000;

/** Writes a feed. The newest entry says when it was updated. */
export function atomFeed({ title, page, self, entries }: AtomFeed): string {
  const updated = entries.reduce((latest, entry) => Math.max(latest, entry.updated), 0);
  return `<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom">
<id>${xml(self)}</id>
<title>${xml(title.slice(0, TITLE))}</title>
<updated>${date(updated)}</updated>
<link rel="self" type="application/atom+xml" href="${xml(self)}"/>
<link rel="alternate" type="text/html" href="${xml(page)}"/>
${entries.map(entryXml).join('')}</feed>
`;
}

function entryXml({ url, version = '', title, updated, author, text }: AtomEntry): string {
  return `<entry>
<id>${xml(version === '' ? url : `${url}#${version}`)}</id>
<title>${xml(title.slice(0, TITLE))}</title>
<updated>${date(updated)}</updated>
<author><name>${xml(author.slice(0, TITLE))}</name></author>
<link rel="alternate" type="text/html" href="${xml(url)}"/>
<content type="text">${xml(text.slice(0, TEXT))}</content>
</entry>
`;
}

/** Years of four digits, as RFC 3339 has them. */
function date(seconds: number): string {
  const [earliest, latest] = [-62_167_219_200, 253_402_300_799];
  const time = new Date(Math.min(latest, Math.max(earliest, seconds)) * 1000);
  return time.toISOString().replace('.000', '');
}

/** Text in XML. What XML cannot have at all becomes a replacement character. */
function xml(text: string): string {
  return text
    .toWellFormed()
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
}
