/**
 * What a test of chance came upon, as one line. It is printed only where `CAIRN_TEST_VERBOSE` is set: tests that pass print
 * nothing. @returns the line, to be shown by assertions that fail
 */
export function tell(what: string, found: object): string {
  const line = `${what}: ${JSON.stringify(found)}`;
  if (process.env['CAIRN_TEST_VERBOSE'] !== undefined) console.info(line);
  return line;
}
