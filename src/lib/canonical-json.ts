/** The values that canonical JSON may hold here: no floating point, so that every implementation prints the same digits. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/**
 * Canonical JSON by RFC 8785 (JSON Canonicalization Scheme): no white space, object keys in UTF-16 code unit order,
 * strings as ECMAScript's JSON.stringify writes them. Numbers are restricted to safe integers.
 *
 * @throws TypeError on a number that is not a safe integer, or a string with a lone surrogate, which RFC 8785 forbids
 */
export function canonicalJson(value: JsonValue): string {
  if (typeof value === 'string') return canonicalString(value);
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new TypeError(`not a safe integer: ${value}`);
    return String(value);
  }
  if (value === null || typeof value === 'boolean') return String(value);
  if (isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  // JavaScript's default order of strings is the order of UTF-16 code units, which is what the RFC asks for.
  const members = Object.keys(value)
    .sort()
    .map((key) => `${canonicalString(key)}:${canonicalJson(value[key] as JsonValue)}`);
  return `{${members.join(',')}}`;
}

function canonicalString(text: string): string {
  if (!text.isWellFormed()) throw new TypeError('a lone surrogate cannot be written as canonical JSON');
  return JSON.stringify(text);
}

function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}
