/** Names of files that are safe everywhere: on every file system, in a header, as an argument. */

const LONGEST = 120;

/**
 * A name of ASCII letters, digits and `._+-` that says what `text` says as well as it can.
 * @param instead the name if nothing of the text is left
 */
export function safeFileName(text: string, instead: string): string {
  const plain = text
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]/g, '')
    .replace(/[^A-Za-z0-9._+-]+/g, '-')
    .replace(/\.{2,}/g, '.')
    .replace(/^[^A-Za-z0-9_]+/, '')
    .slice(0, LONGEST)
    .replace(/[.-]+$/, '');
  return plain === '' ? instead : plain;
}

/**
 * A `Content-Disposition` (RFC 6266): a plain name for all, and the exact one for those who read it.
 * @param how `inline` is shown if the browser can, `attachment` is saved
 */
export function contentDisposition(how: 'inline' | 'attachment', name: string): string {
  const plain = safeFileName(name, 'file');
  if (plain === name) return `${how}; filename="${plain}"`;
  // Without characters that turn the writing around or are not seen: a name must not look like another.
  const seen = name
    .replace(/[\p{Cc}\p{Cf}]/gu, '')
    .slice(0, 255)
    .toWellFormed();
  const exact = encodeURIComponent(seen).replace(
    /['()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${how}; filename="${plain}"; filename*=UTF-8''${exact}`;
}
