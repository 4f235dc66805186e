/** What reading foreign data came to: the value, or why it is none, in words fit for whoever sent it. */
export type Parsed<T> = { readonly ok: true; readonly value: T } | Refused;

export interface Refused {
  readonly ok: false;
  readonly reason: string;
}

export function parsed<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value };
}

export function refused(reason: string): Refused {
  return { ok: false, reason };
}
