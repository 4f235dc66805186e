/** The trailers of a commit message: `Signed-off-by: …` and its like (git-interpret-trailers(1)). */

export interface Trailer {
  readonly name: string;
  /** Continuation lines are joined by spaces. */
  readonly value: string;
}

/** Trailers that are returned; the others are part of the message. */
export const MOST_TRAILERS = 100;

/** Lines that git itself writes: one of them makes a paragraph one of trailers, if a quarter of it is. */
const WRITTEN_BY_GIT = /^(?:Signed-off-by: |\(cherry picked from commit )/;
const TRAILER = /^([A-Za-z0-9-]+)[ \t]*:(.*)$/s;

/**
 * Reads the trailers of a message: its last paragraph, unless that is the first one, if all of its lines are trailers, or a
 * quarter of them and one is of those that git writes. It answers as `git interpret-trailers --parse` does.
 */
export function parseTrailers(message: string): Trailer[] {
  const lines = message.trimEnd().split('\n');
  // The first paragraph is the subject.
  const title = lines.findIndex((line) => isBlank(line));
  let start = lines.length;
  while (start > title && !isBlank(lines[start - 1])) start--;
  if (title === -1 || start <= title) return [];
  const block = lines.slice(start);
  return isBlockOfTrailers(block) ? collect(block) : [];
}

/** Splits off the trailers. If other lines are between them, they stay part of the text. */
export function splitTrailers(message: string): {
  readonly text: string;
  readonly trailers: readonly Trailer[];
} {
  const trailers = parseTrailers(message);
  const text = message.trimEnd();
  const lines = text.split('\n');
  let start = lines.length;
  while (start > 0 && !isBlank(lines[start - 1])) start--;
  const block = lines.slice(start);
  const isPure = block.every((line) => TRAILER.test(line) || /^[ \t]/.test(line));
  return trailers.length > 0 && trailers.length < MOST_TRAILERS && isPure
    ? { text: lines.slice(0, start).join('\n').trimEnd(), trailers }
    : { text, trailers: [] };
}

function isBlank(line: string | undefined): boolean {
  return line === undefined || /^\s*$/.test(line);
}

function isBlockOfTrailers(block: readonly string[]): boolean {
  let [trailers, others, recognized, possible] = [0, 0, false, 0];
  for (const line of [...block].reverse()) {
    if (line.startsWith('#')) {
      [others, possible] = [others + possible, 0];
    } else if (WRITTEN_BY_GIT.test(line)) {
      [recognized, trailers, possible] = [true, trailers + 1, 0];
    } else if (/^[ \t]/.test(line)) {
      // It continues a trailer, or it is another line.
      possible++;
    } else if (TRAILER.test(line)) {
      [trailers, possible] = [trailers + 1, 0];
    } else {
      [others, possible] = [others + 1 + possible, 0];
    }
  }
  others += possible;
  return trailers > 0 && (others === 0 || (recognized && trailers * 3 >= others));
}

function collect(block: readonly string[]): Trailer[] {
  const trailers: { name: string; value: string }[] = [];
  let isOpen = false;
  for (const line of block) {
    const last = trailers.at(-1);
    if (/^[ \t]/.test(line)) {
      if (isOpen && last !== undefined) last.value = `${last.value} ${line.trim()}`.trim();
      continue;
    }
    const [, name, value = ''] = TRAILER.exec(line) ?? [];
    isOpen = name !== undefined;
    if (name === undefined) continue;
    if (trailers.length === MOST_TRAILERS) break;
    trailers.push({ name, value: value.trim() });
  }
  return trailers;
}
