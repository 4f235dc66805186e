/**
 * Tokens of cards. Cards separate their arguments by spaces and end at a line feed, so these characters are written with a
 * backslash inside an argument. Fossil calls that "fossilized" (`encode.c`).
 */
const ESCAPES: Readonly<Record<string, string>> = {
  ' ': '\\s',
  '\n': '\\n',
  '\t': '\\t',
  '\r': '\\r',
  '\v': '\\v',
  '\f': '\\f',
  '\0': '\\0',
  '\\': '\\\\',
};

const CHARACTERS: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(ESCAPES).map(([character, escaped]) => [escaped.charAt(1), character]),
);

/** The text as one token. An empty text gives an empty token, which no card can carry. */
export function fossilize(text: string): string {
  return text.replace(/[ \n\t\r\v\f\0\\]/g, (character) => ESCAPES[character] ?? character);
}

/** The text of a token. As in Fossil, a backslash before any other character is that character. */
export function defossilize(token: string): string {
  if (!token.includes('\\')) return token;
  return token.replace(/\\([\s\S]?)/g, (_, character: string) => CHARACTERS[character] ?? character);
}

/**
 * The text of an `error` or `message` card for a person. Stock servers encode some texts with backslashes
 * (`bad\scommand`) and others like a URL (`malformed+file+line%2C`).
 * @param text the token as it travels, or what `defossilize` made of it
 */
export function readable(text: string): string {
  if (/\\[sntrvf0\\]/.test(text)) return defossilize(text);
  if (/\s/.test(text) || !/%[0-9A-Fa-f]{2}|\w\+\w/.test(text)) return text;
  const spaced = text.replaceAll('+', ' ');
  try {
    return decodeURIComponent(spaced);
  } catch {
    // Not an encoding after all, or not of UTF-8: the words can be read without it.
    return spaced;
  }
}
