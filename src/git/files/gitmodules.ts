/** Lines of a `.gitmodules` that are read. */
const MOST_LINES = 20_000;
const LINE_LENGTH = 4_096;

/**
 * Reads where submodules come from (gitmodules(5)).
 * @param content of `.gitmodules`, in git's syntax of configuration; what cannot be read counts for nothing
 * @returns URLs by path, both as they are written, paths in latin1. Anybody may have written them.
 */
export function parseGitmodules(content: Buffer): ReadonlyMap<string, string> {
  const urls = new Map<string, string>();
  let [path, url]: [string | undefined, string | undefined] = [undefined, undefined];
  const endSection = () => {
    if (path !== undefined && url !== undefined) urls.set(path, url);
    [path, url] = [undefined, undefined];
  };
  let isSubmodule = false;
  for (const line of content.toString('latin1').split('\n', MOST_LINES)) {
    const text = line.slice(0, LINE_LENGTH).trim();
    if (text.startsWith('[')) {
      endSection();
      isSubmodule = /^\[submodule\s+".*"\]/i.test(text);
    }
    const [, key = '', value = ''] = /^(path|url)\s*=\s*(.*)$/is.exec(text) ?? [];
    if (!isSubmodule || key === '') continue;
    if (key.toLowerCase() === 'path') path = plainValue(value).replace(/\/$/, '');
    else url = Buffer.from(plainValue(value), 'latin1').toString('utf8');
  }
  endSection();
  return urls;
}

/** A value without quotes, escapes and what is behind a `#` or `;`. */
function plainValue(value: string): string {
  let plain = '';
  let isQuoted = false;
  for (let at = 0; at < value.length; at++) {
    const char = value.charAt(at);
    if (char === '"') isQuoted = !isQuoted;
    else if (char === '\\') plain += value.charAt(++at);
    else if (!isQuoted && (char === '#' || char === ';')) break;
    else plain += char;
  }
  return isQuoted ? plain : plain.trimEnd();
}
