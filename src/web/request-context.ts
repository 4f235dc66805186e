import type { Context } from 'hono';

/** What the listening server has set on a request before it comes here. */
export interface RequestContext {
  /** Reads the whole body, within bounds. */
  readonly smallBody?: () => Promise<Buffer>;
  /** Ends the response in the middle, and logs why. */
  readonly breakOff?: (error: unknown) => void;
  readonly client?: { readonly caller: string };
}

export function requestContextOf(c: Context): RequestContext {
  return { smallBody: c.get('smallBody'), breakOff: c.get('breakOff'), client: c.get('client') };
}

/** The network address of the visitor, for limits. */
export function callerOf(c: Context): string {
  return requestContextOf(c).client?.caller ?? '';
}
