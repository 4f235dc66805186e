/** A part of a text, in UTF-16 units: from the first to before the second. */
export type TextRange = readonly [start: number, end: number];

/**
 * Puts `<mark>` around ranges of a line of HTML, in time in proportion to its length. Elements stay whole: a range that crosses
 * their tags becomes several.
 * @param html tags, text and character references, each of which stands for one character
 * @param ranges of the text in it, in order, none over another
 */
export function markRanges(html: string, ranges: readonly TextRange[]): string {
  let marked = '';
  let position = 0;
  let next = 0;
  for (const [token] of html.matchAll(/<[^>]*>|&[#\w]+;|[^<&]+/g)) {
    if (token.startsWith('<')) {
      marked += token;
      continue;
    }
    const isReference = token.startsWith('&');
    const end = position + (isReference ? 1 : token.length);
    while (position < end) {
      while ((ranges[next]?.[1] ?? Number.POSITIVE_INFINITY) <= position) next++;
      const [from, to] = ranges[next] ?? [end, end];
      const isInside = from <= position;
      const stop = Math.min(end, isInside ? to : from);
      const part = isReference
        ? token
        : token.slice(token.length - (end - position), token.length - (end - stop));
      marked += isInside ? `<mark>${part}</mark>` : part;
      position = stop;
    }
  }
  return marked;
}
