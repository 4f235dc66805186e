import type { Context } from 'hono';

/** Whether the visitor has what a strong validator stands for (`If-None-Match`, RFC 9110, section 13.1.2). `*` stands for all. */
export function isKnown(c: Context, etag: string): boolean {
  const known = c.req.header('If-None-Match') ?? '';
  return known.trim() === '*' || known.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag);
}
