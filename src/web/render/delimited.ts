/** A table in a text file, as far as it is shown. */
export interface DelimitedTable {
  readonly rows: readonly (readonly string[])[];
  /** Whether rows, columns or parts of cells are left out. */
  readonly cut: boolean;
}

export const MOST_ROWS = 1_000;
export const MOST_COLUMNS = 50;
const CELL = 500;

/**
 * Reads comma-separated values (RFC 4180), or those with tabs or semicolons between them.
 * @param separator absent: the one of comma, semicolon and tab that the first line has most of
 * @returns undefined if it is not a table: a single column
 */
export function readDelimited(text: string, separator?: string): DelimitedTable | undefined {
  const between = separator ?? likelySeparator(text);
  const rows: string[][] = [];
  let cut = false;
  let row: string[] = [];
  const endCell = (value: string) => {
    if (row.length >= MOST_COLUMNS || value.length > CELL) cut = true;
    if (row.length < MOST_COLUMNS)
      row.push(value.length > CELL ? `${value.slice(0, CELL).replace(/[\ud800-\udbff]$/, '')}…` : value);
  };
  for (let at = 0; at < text.length; ) {
    if (rows.length === MOST_ROWS) return { rows, cut: true };
    const isQuoted = text[at] === '"';
    const start = at;
    if (isQuoted) at = endOfQuotes(text, at + 1);
    while (at < text.length && text[at] !== between && text[at] !== '\n') at++;
    const written = text.slice(start, at).replace(/\r$/, '');
    endCell(isQuoted ? written.replace(/^"|"$/g, '').replaceAll('""', '"') : written);
    if (text[at] === between && at < text.length) {
      at++;
      if (at < text.length) continue;
      endCell('');
    }
    at++;
    rows.push(row);
    row = [];
  }
  return rows.some(({ length }) => length > 1) ? { rows, cut } : undefined;
}

/** Where the quotes end that begin before `from`: two quotes are an escaped one. The end of the text if they do not end. */
function endOfQuotes(text: string, from: number): number {
  for (let at = from; ; at += 2) {
    at = text.indexOf('"', at);
    if (at === -1) return text.length;
    if (text[at + 1] !== '"') return at + 1;
  }
}

function likelySeparator(text: string): string {
  const [line = ''] = text.slice(0, 10_000).split('\n', 1);
  const counted = [',', ';', '\t'].map((separator) => ({ separator, count: line.split(separator).length }));
  return counted.sort((a, b) => b.count - a.count)[0]?.separator ?? ',';
}
