/** A text without control sequences of terminals. Line breaks and other single control characters stay. */
export function withoutSequences(text: string): string {
  return text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control sequences are what is removed
    /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])/g,
    '',
  );
}
