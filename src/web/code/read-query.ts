/** A whole number in a query. @returns 0 if there is none, or it has more than seven digits */
export function readNumber(query: URLSearchParams, name: string): number {
  return Number(/^\d{1,7}$/.exec(query.get(name) ?? '')?.[0] ?? 0);
}
