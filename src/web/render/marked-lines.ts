/** Characters of a text that is marked. */
export const MOST_MARKED = 512 * 1024;

export interface MarkedLinesBounds {
  /** Characters of a line; what is behind them is cut off, with an ellipsis. */
  readonly columns: number;
  /** Characters of all lines together, tags included. */
  readonly size: number;
}

/**
 * Splits HTML of highlight.js at its line feeds. A part that goes over several lines is closed at the end of each and opened
 * again at the beginning of the next, so that every line is complete.
 * @param html elements without line feeds in their tags, text and character references
 * @returns undefined when the lines are larger than the bound: deep nesting is repeated on each line
 */
export function markedLines(html: string, { columns, size }: MarkedLinesBounds): string[] | undefined {
  const lines: string[] = [];
  /** Tags that are open here. */
  const open: string[] = [];
  let line = '';
  let width = 0;
  let isCut = false;
  let total = 0;
  const endLine = () => {
    if (!isCut) line += '</span>'.repeat(open.length);
    lines.push(line);
    total += line.length;
    line = open.join('');
    width = 0;
    isCut = false;
  };
  for (const [token] of html.matchAll(/<[^>]*>|\n|&[#\w]+;|[^<&\n]+/g)) {
    if (token === '\n') {
      endLine();
      if (total > size) return undefined;
    } else if (token.startsWith('<')) {
      if (token.startsWith('</')) open.pop();
      else open.push(token);
      if (!isCut) line += token;
    } else if (!isCut) {
      const length = token.startsWith('&') ? 1 : token.length;
      if (width + length > columns) {
        // A pair of surrogates is not split.
        const rest = length === 1 ? '' : token.slice(0, columns - width).replace(/[\ud800-\udbff]$/, '');
        line += `${rest}…${'</span>'.repeat(open.length)}`;
        isCut = true;
      } else {
        line += token;
        width += length;
      }
    }
  }
  endLine();
  return total > size ? undefined : lines;
}
