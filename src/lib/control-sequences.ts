/** A text without control sequences of terminals (ECMA-48, of seven and eight bits). Line breaks and other single control characters stay. */
export function withoutSequences(text: string): string {
  return text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control sequences are what is removed
    /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b\]|\u009d)[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)?|\u001b[@-Z\\-_]/g,
    '',
  );
}
