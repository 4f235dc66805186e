/** What a message refers to: addresses of the web, and words that may be ids of objects. */

/** A part of a text, in UTF-16 units. */
export interface Reference {
  readonly kind: 'url' | 'id';
  readonly start: number;
  readonly end: number;
}

/** References of one text; later ones stay plain text. */
const MOST_REFERENCES = 200;
/** Longer addresses are not linked. */
const URL_LENGTH = 2_000;
/** Digits of the shortest id that counts, as git abbreviates them. */
const SHORTEST_ID = 7;

/** Characters that show nothing, such as those that change the writing direction, end an address. */
const CANDIDATE = /https?:\/\/[^\s\p{Cc}\p{Cf}<>"`\\^{|}]+|(?<![\w./-])[0-9a-f]{7,64}(?![\w/-])/gu;

/**
 * Finds references. Nothing is invented: a number with a `#` may belong to any tracker, so it does not count.
 * @param text untrusted; the time is linear in its length
 */
export function findReferences(text: string): Reference[] {
  const found: Reference[] = [];
  for (const match of text.matchAll(CANDIDATE)) {
    if (found.length === MOST_REFERENCES) break;
    const [word] = match;
    if (!word.startsWith('http')) {
      // Numbers are more often dates and amounts than ids.
      if (/[a-f]/.test(word) || word.length >= 40)
        found.push({ kind: 'id', start: match.index, end: match.index + word.length });
      continue;
    }
    const url = withoutPunctuation(word);
    if (url.length > URL_LENGTH || !URL.canParse(url)) continue;
    found.push({ kind: 'url', start: match.index, end: match.index + url.length });
  }
  return found.filter(({ start, end }) => end - start >= SHORTEST_ID);
}

/** Points and brackets behind an address belong to the sentence; a bracket that it opened itself does not. */
function withoutPunctuation(url: string): string {
  let end = url.length;
  let open = 0;
  for (const char of url) open += char === '(' ? 1 : char === ')' ? -1 : 0;
  for (; end > 0; end--) {
    const last = url.charAt(end - 1);
    if (last === ')' && open < 0) open++;
    else if (!'.,;:!?\'"]*_~'.includes(last)) break;
  }
  return url.slice(0, end);
}
