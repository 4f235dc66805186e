/** The result of parsing foreign data: the value, or a reason that its sender may read. */
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
