import type { Context } from 'hono';

/** Whether the visitor has what a strong validator stands for. */
export function isKnown(c: Context, etag: string): boolean {
  return names(c.req.header('If-None-Match'), etag);
}

/** Whether an `If-None-Match` names a strong validator (RFC 9110, section 13.1.2). `*` stands for all. */
export function names(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  return (
    ifNoneMatch.trim() === '*' ||
    ifNoneMatch.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag)
  );
}
