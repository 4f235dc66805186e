/** Whose SSH keys count: the file that `gpg.ssh.allowedSignersFile` names (ssh-keygen(1), ALLOWED SIGNERS). */

/** A key, and who may sign with it. */
export interface AllowedSigner {
  /** Patterns of addresses, separated by commas, as the file has them. */
  readonly principals: string;
  /** As written in the file, decoded. */
  readonly publicKey: Buffer;
  /** Names what the key may sign; undefined for everything. */
  readonly namespaces: readonly string[] | undefined;
  /** Seconds between which it counts; undefined for always. */
  readonly after: number | undefined;
  readonly before: number | undefined;
}

/** Lines that are read; the rest of a longer file does not count. */
const MOST_LINES = 10_000;
const LINE_LENGTH = 16_384;

/** A word, or a quoted one with spaces. */
const WORD = /^\s*((?:"[^"]*"|[^\s"])+)/;
/** Anything that begins like an option; the key's type and its base64 do not. */
const OPTION = /^(?:cert-authority|namespaces=|valid-after=|valid-before=)/i;

/**
 * Reads the file. Authorities of certificates count for nothing: no certificate is checked. A line that cannot be read
 * counts for nothing.
 */
export function parseAllowedSigners(content: Buffer): AllowedSigner[] {
  const signers: AllowedSigner[] = [];
  for (const line of content.toString('utf8').split('\n', MOST_LINES)) {
    const signer = line.length > LINE_LENGTH ? undefined : readLine(line);
    if (signer !== undefined) signers.push(signer);
  }
  return signers;
}

function readLine(line: string): AllowedSigner | undefined {
  if (/^\s*(?:#|$)/.test(line)) return undefined;
  const words: string[] = [];
  let rest = line;
  for (let found = WORD.exec(rest); found !== null && words.length < 4; found = WORD.exec(rest)) {
    words.push(found[1] ?? '');
    rest = rest.slice(found[0].length);
  }
  const [principals = '', second = ''] = words;
  const options = OPTION.test(second) ? readOptions(second) : new Map<string, string>();
  const [type = '', key = ''] = words.slice(OPTION.test(second) ? 2 : 1);
  const publicKey = Buffer.from(key, 'base64');
  if (options === undefined || options.has('cert-authority') || publicKey.length < 8) return undefined;
  // The key says its type again.
  const length = publicKey.readUInt32BE(0);
  if (publicKey.toString('latin1', 4, 4 + length) !== type) return undefined;
  const [after, before] = [readTime(options.get('valid-after')), readTime(options.get('valid-before'))];
  if (Number.isNaN(after) || Number.isNaN(before)) return undefined;
  return {
    principals: principals.replaceAll('"', ''),
    publicKey,
    namespaces: options.get('namespaces')?.split(','),
    after,
    before,
  };
}

/** @returns undefined for an option that is not known: it may say when the key does not count */
function readOptions(text: string): Map<string, string> | undefined {
  const options = new Map<string, string>();
  for (const [, name = '', quoted, plain] of text.matchAll(/([\w-]+)(?:=(?:"([^"]*)"|([^",]*)))?(?:,|$)/g)) {
    options.set(name.toLowerCase(), quoted ?? plain ?? '');
  }
  const known = new Set(['cert-authority', 'namespaces', 'valid-after', 'valid-before']);
  return [...options.keys()].every((name) => known.has(name)) ? options : undefined;
}

/** `YYYYMMDD[HHMM[SS]][Z]` in seconds, always as UTC: a server's zone says nothing. NaN if it cannot be read. */
function readTime(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const found = /^(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(\d{2})?)?Z?$/i.exec(text);
  if (found === null) return Number.NaN;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = found
    .slice(1)
    .map((part) => Number(part ?? 0));
  return Date.UTC(year, month - 1, day, hour, minute, second) / 1000;
}

/** Whether a key may sign commits and tags at a time. @param time seconds */
export function allowsGit(
  { namespaces, after, before }: Pick<AllowedSigner, 'namespaces' | 'after' | 'before'>,
  time: number,
): boolean {
  // Patterns other than these are not tried.
  const mayGit = namespaces === undefined || namespaces.includes('git') || namespaces.includes('*');
  return mayGit && (after === undefined || time >= after) && (before === undefined || time < before);
}
