/** Longest path that is kept, in characters. */
const MAX_LENGTH = 2_048;

/**
 * The page to show after somebody has signed in. Only a path of this service is taken, so that no link through it leads
 * elsewhere: it begins with one slash, and is printable ASCII without a backslash, as every path in a URL is. The pages of
 * signing in themselves are none.
 * @param text a path with an optional query, below the base URL
 * @returns `/` for everything else
 */
export function nextPage(text: string | undefined): string {
  if (text === undefined || text.length > MAX_LENGTH) return '/';
  if (!/^\/(?![/\\])[\x21-\x5b\x5d-\x7e]*$/.test(text)) return '/';
  // Browsers resolve dots, also encoded ones, before they ask.
  if (/\/(?:\.|%2e){1,2}(?:[/?#]|$)/i.test(text)) return '/';
  return /^\/sign-(?:in|out)(?:[/?#]|$)/i.test(text) ? '/' : text;
}
