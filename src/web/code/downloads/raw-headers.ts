import { contentDisposition } from '../../../lib/safe-file-name.ts';
import { encodingOf } from '../file-text.ts';

/** The headers of a raw file. Its content is untrusted, so nothing in it may run here. */

/** Types that browsers show and that run nothing. Everything else is text or a download. */
const SAFE_TYPES: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  apng: 'image/apng',
  bmp: 'image/bmp',
  webp: 'image/webp',
  avif: 'image/avif',
  ico: 'image/x-icon',
  // Its scripts do not run under the policy below.
  svg: 'image/svg+xml',
  mp3: 'audio/mpeg',
  m4a: 'audio/mp4',
  aac: 'audio/aac',
  ogg: 'audio/ogg',
  oga: 'audio/ogg',
  opus: 'audio/ogg',
  flac: 'audio/flac',
  wav: 'audio/wav',
  mp4: 'video/mp4',
  m4v: 'video/mp4',
  ogv: 'video/ogg',
  webm: 'video/webm',
  pdf: 'application/pdf',
};

/** The type of a file that browsers show without running anything, by its name; undefined for all others. */
export function rawType(name: string): string | undefined {
  const extension = /\.([a-z0-9]+)$/i.exec(name)?.[1]?.toLowerCase() ?? '';
  return Object.hasOwn(SAFE_TYPES, extension) ? SAFE_TYPES[extension] : undefined;
}

/** A raw file. */
export interface RawFile {
  readonly name: Buffer;
  /**
   * Or the beginning of it, in whole lines. Undefined for a file that is too large to be inspected: it is saved, unless its name says
   * that it can be shown.
   */
  readonly content: Buffer | undefined;
  /** Its object id, which is its strong validator. */
  readonly oid: string;
  /** Whether it is to be saved whatever it is. */
  readonly saved: boolean;
  /** Whether a page of this server shows it in a frame. */
  readonly framed?: boolean;
}

/** The headers of a file, for GET and for HEAD. */
export function rawHeaders({
  name,
  content,
  oid,
  saved,
  framed = false,
}: RawFile): Record<string, string> & { readonly ETag: string } {
  const safe = rawType(name.toString('latin1'));
  const encoding = content === undefined || safe !== undefined ? undefined : encodingOf(content);
  const isText = encoding !== undefined;
  const type = safe ?? (isText ? `text/plain; charset=${encoding}` : 'application/octet-stream');
  // Browsers show no PDF in a sandbox, and may run what is in it in their viewers. So it is shown only where a visitor asks for it.
  const isDocument = type === 'application/pdf';
  const how = saved || (safe === undefined && !isText) || (isDocument && !framed) ? 'attachment' : 'inline';
  return {
    'Content-Type': type,
    'Content-Disposition': contentDisposition(how, name.toString('utf8')),
    'Content-Security-Policy': `default-src 'none'; style-src 'unsafe-inline'; img-src data:${isDocument && framed ? '' : '; sandbox'}`,
    'X-Content-Type-Options': 'nosniff',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Referrer-Policy': 'no-referrer',
    'Cache-Control': 'no-cache',
    'Accept-Ranges': 'bytes',
    ETag: `"${oid}"`,
  };
}
