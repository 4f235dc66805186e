import type { CommandContext } from './command-context.ts';

/**
 * Control characters except tabs and line feeds, among them the 8-bit ones that terminals obey as they obey ESC, and characters that reverse
 * the direction of a text. Some of them are allowed in the names of refs, and strangers choose those.
 */
const UNSAFE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/**
 * A text as it may go to a terminal: characters that a terminal would obey are written as `\u001b`. JSON stays the same document, because
 * such characters are only within its strings, where this is how they are escaped.
 */
export function printable(text: string): string {
  return text.replace(UNSAFE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** A context whose output is {@link printable}, whatever a command prints. */
export function printing(context: CommandContext): CommandContext {
  return {
    ...context,
    print: (text) => context.print(printable(text)),
    warn: (text) => context.warn(printable(text)),
  };
}
