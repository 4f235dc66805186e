/** The orders that repositories are listed in, and places in them. */

export type Sort = 'newest' | 'name' | 'pushed';

/** What a repository is sorted by. It has a place in every order, whether or not it is still listed. */
export interface Place {
  readonly owner: string;
  readonly identifier: string;
  /** Seconds: when it was announced last. */
  readonly at: number;
  /** Seconds: when it was pushed to last; 0 if that is not known. */
  readonly pushed: number;
  /** In lower case. */
  readonly name: string;
}

/** Compares places; 0 only for the same repository. */
export const SORTS: Readonly<Record<Sort, (a: Place, b: Place) => number>> = {
  newest: (a, b) => b.at - a.at || byAddress(a, b),
  name: (a, b) => byText(a.name, b.name) || byAddress(a, b),
  pushed: (a, b) => b.pushed - a.pushed || b.at - a.at || byAddress(a, b),
};

/** @returns undefined if it is not the name of an order */
export function readSort(text: string | undefined): Sort | undefined {
  return text === 'newest' || text === 'name' || text === 'pushed' ? text : undefined;
}

/** A place as a part of a URL. */
export function encodePlace({ owner, identifier, at, pushed, name }: Place): string {
  return Buffer.from(JSON.stringify([owner, identifier, at, pushed, name])).toString('base64url');
}

/** @returns undefined for what is no place */
export function decodePlace(text: string): Place | undefined {
  if (text.length > 2_000) return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    if (!Array.isArray(value)) return undefined;
    const [owner, identifier, at, pushed, name] = value as unknown[];
    if (typeof owner !== 'string' || typeof identifier !== 'string' || typeof name !== 'string')
      return undefined;
    if (!Number.isSafeInteger(at) || !Number.isSafeInteger(pushed)) return undefined;
    return { owner, identifier, at: Number(at), pushed: Number(pushed), name };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function byAddress(a: Place, b: Place): number {
  return byText(a.owner, b.owner) || byText(a.identifier, b.identifier);
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
