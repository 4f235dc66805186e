import { decodeByLine, decodeText } from './text-encoding.ts';

/** The headers of a commit or tag, and the message behind them. */
export interface ObjectText {
  /** The first value of each header, decoded. Continuation lines are joined by line feeds. */
  readonly headers: ReadonlyMap<string, string>;
  /** The values of `parent`, in order. */
  readonly parents: readonly string[];
  readonly message: string;
}

/**
 * Splits the content of a commit or tag.
 * @param content as git stores it; anything is accepted, and what is not there is empty
 */
export function readObjectText(content: Buffer): ObjectText {
  const end = endOfHeaders(content);
  const encoding = /^encoding (.+)$/m.exec(content.toString('latin1', 0, end))?.[1];
  const headers = new Map<string, string>();
  const parents: string[] = [];
  let name = '';
  for (const line of decodeByLine(content.subarray(0, end), encoding).split('\n')) {
    if (line.startsWith(' ') && name !== '') {
      headers.set(name, `${headers.get(name)}\n${line.slice(1)}`);
      continue;
    }
    const space = line.indexOf(' ');
    const [header, value] = space === -1 ? [line, ''] : [line.slice(0, space), line.slice(space + 1)];
    // Only the first one counts, as for git.
    name = headers.has(header) ? '' : header;
    if (header === 'parent') parents.push(value);
    if (name !== '') headers.set(name, value);
  }
  return { headers, parents, message: decodeText(content.subarray(end + 2), encoding) };
}

/** Where the empty line begins that ends the headers; the length of the content if there is none. */
function endOfHeaders(content: Buffer): number {
  const at = content.indexOf('\n\n');
  return at === -1 ? content.length : at;
}
