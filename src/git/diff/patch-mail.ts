/** Patches as mails, as `git format-patch` writes them and `git am` reads them. Anybody may have written one. */
import type { ChangedFile, ChangeStatus } from './changed-file.ts';
import { splitPatch } from './patch-sections.ts';
import { type FileDiff, parseFileDiff } from './unified-diff.ts';

/** A mail with a patch. Whatever is missing is empty. */
export interface PatchMail {
  /** Object id of the commit that it was made from, as it claims. */
  readonly commit: string;
  /** `Name <address>`. */
  readonly sender: string;
  readonly date: string;
  /** One line, with `[PATCH …]`. */
  readonly subject: string;
  /** The message of the commit without its subject. */
  readonly message: string;
  /** The changed files; those beyond the limit are only counted. */
  readonly files: readonly { readonly file: ChangedFile; readonly diff: FileDiff }[];
  readonly count: number;
}

export interface PatchMailLimits {
  readonly files: number;
  /** Lines of one file. */
  readonly lines: number;
}

/** The end of a mail of git: the version of git follows it. */
const SIGNATURE = '\n-- \n';
const NONE = '000000';
/** Characters of a line that are kept. */
const COLUMNS = 2_000;

/** Reads a mail. Never fails: a text that is no patch is a message without files. */
export function parsePatchMail(text: string, limits: PatchMailLimits): PatchMail {
  const content = text.replaceAll('\r\n', '\n');
  const diffAt = content.startsWith('diff --git ') ? 0 : content.indexOf('\ndiff --git ') + 1;
  const hasDiff = diffAt > 0 || content.startsWith('diff --git ');
  const head = hasDiff ? content.slice(0, diffAt) : content;
  const [headers, body] = splitHead(head);
  const { files, count } = hasDiff ? changes(content.slice(diffAt), limits) : { files: [], count: 0 };
  return {
    commit: /^From ([0-9a-f]{40}|[0-9a-f]{64}) /.exec(head)?.[1] ?? '',
    ...headers,
    message: messageOf(body),
    files,
    count,
  };
}

/** The header fields that are read, and what follows the header. */
function splitHead(head: string): [Pick<PatchMail, 'sender' | 'date' | 'subject'>, string] {
  if (!/^(?:From |[A-Za-z-]+: )/.test(head)) return [{ sender: '', date: '', subject: '' }, head];
  const end = head.indexOf('\n\n');
  const header = (end === -1 ? head : head.slice(0, end)).replace(/\n[ \t]+/g, ' ');
  const read = (field: RegExp) => decodeWords((field.exec(header)?.[1] ?? '').trim());
  const fields = {
    sender: read(/^From: (.*)$/im),
    date: read(/^Date: (.*)$/im),
    subject: read(/^Subject: (.*)$/im),
  };
  return [fields, end === -1 ? '' : head.slice(end + 2)];
}

/** Decodes the words of a header field that are not ASCII (RFC 2047), in UTF-8 or Latin-1. */
function decodeWords(value: string): string {
  return value
    .replace(/(\?=)\s+(=\?)/g, '$1$2')
    .replace(
      /=\?(utf-8|iso-8859-1)\?([qb])\?([^?]{0,1000})\?=/gi,
      (_, charset: string, how: string, text: string) => {
        const bytes =
          how.toLowerCase() === 'b'
            ? Buffer.from(text, 'base64')
            : Buffer.from(
                text
                  .replaceAll('_', ' ')
                  .replace(/=([0-9a-f]{2})/gi, (_all, hex: string) =>
                    String.fromCharCode(Number.parseInt(hex, 16)),
                  ),
                'latin1',
              );
        return bytes.toString(charset.toLowerCase() === 'utf-8' ? 'utf8' : 'latin1');
      },
    );
}

/** The message: the text before the line `---`, which statistics follow. */
function messageOf(body: string): string {
  const end = /(?:^|\n)---[ ]*\n/.exec(body)?.index ?? body.length;
  return withoutSignature(body.slice(0, end)).trim();
}

function withoutSignature(text: string): string {
  const at = text.lastIndexOf(SIGNATURE);
  const isLast =
    at !== -1 &&
    !text
      .slice(at + SIGNATURE.length)
      .trim()
      .includes('\n');
  return isLast ? text.slice(0, at + 1) : text;
}

function changes(text: string, limits: PatchMailLimits): Pick<PatchMail, 'files' | 'count'> {
  const patch = withoutSignature(text);
  const found = splitPatch(Buffer.from(patch.endsWith('\n') ? patch : `${patch}\n`), true);
  const bounds = { lines: limits.lines, columns: COLUMNS };
  const diffs = found.slice(0, limits.files).map((section) => parseFileDiff([section], bounds));
  const sections = patch.split(/^(?=diff --git )/m).slice(0, limits.files);
  const files = sections.flatMap((section, at) => {
    const diff = diffs[at];
    return diff === undefined ? [] : [{ file: changedFile(section, diff), diff }];
  });
  return { files, count: found.length };
}

/** Lines of the head of a section. */
const RENAMED = /^rename from (.*)$/m;
const COPIED = /^copy from (.*)$/m;
const TARGET = /^(?:rename|copy) to (.*)$/m;
const BEFORE = /^--- (.*)$/m;
const AFTER = /^\+\+\+ (.*)$/m;
const CREATED = /^new file mode (\d+)$/m;
const REMOVED = /^deleted file mode (\d+)$/m;
const OLD_MODE = /^old mode (\d+)$/m;
const NEW_MODE = /^new mode (\d+)$/m;
const INDEX = /^index ([0-9a-f]+)\.\.([0-9a-f]+)(?: (\d+))?$/m;
const SIDES = /^diff --git ("(?:[^"\\]|\\.)*"|a\/.*?) ("(?:[^"\\]|\\.)*"|b\/.*)$/m;

function changedFile(section: string, diff: FileDiff): ChangedFile {
  const head = section.split(/^(?:@@ |GIT binary patch|Binary files )/m, 1)[0] ?? '';
  const read = (line: RegExp) => line.exec(head)?.[1];
  const [, oldSide, newSide] = SIDES.exec(head) ?? [];
  const before = read(RENAMED) ?? read(COPIED) ?? sideOf(read(BEFORE)) ?? sideOf(oldSide) ?? '';
  const after = read(TARGET) ?? sideOf(read(AFTER)) ?? sideOf(newSide) ?? before;
  const [created, removed] = [read(CREATED), read(REMOVED)];
  const [, oldId = '', newId = '', mode = '100644'] = INDEX.exec(head) ?? [];
  const status = statusOf(head);
  const lines = diff.hunks.flatMap((hunk) => hunk.lines);
  const counted = (kind: 'added' | 'deleted') =>
    diff.binary ? undefined : lines.reduce((sum, line) => sum + (line.kind === kind ? 1 : 0), 0);
  return {
    status,
    oldPath: unquote(status === 'added' ? after : before),
    newPath: unquote(status === 'deleted' ? before : after),
    oldMode: created === undefined ? (removed ?? read(OLD_MODE) ?? mode) : NONE,
    newMode: removed === undefined ? (created ?? read(NEW_MODE) ?? mode) : NONE,
    oldId,
    newId,
    added: counted('added'),
    deleted: counted('deleted'),
  };
}

function statusOf(head: string): ChangeStatus {
  if (CREATED.test(head)) return 'added';
  if (REMOVED.test(head)) return 'deleted';
  if (RENAMED.test(head)) return 'renamed';
  return COPIED.test(head) ? 'copied' : 'modified';
}

/** A path behind `a/` or `b/`, still quoted; undefined for `/dev/null`. */
function sideOf(side: string | undefined): string | undefined {
  if (side === undefined || side === '/dev/null') return undefined;
  return side.replace(/\t$/, '').replace(/^("?)[ab]\//, '$1');
}

const ESCAPES: Readonly<Record<string, number>> = { a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13 };

/** The bytes of a path; git puts unusual ones in quotes, with escapes as in C. */
function unquote(path: string): Buffer {
  if (!path.startsWith('"') || !path.endsWith('"') || path.length < 2) return Buffer.from(path);
  const parts: Buffer[] = [];
  for (const [, octal, char, plain] of path.slice(1, -1).matchAll(/\\([0-7]{3})|\\(.)|([^\\]+)/gs)) {
    if (octal !== undefined) parts.push(Buffer.from([Number.parseInt(octal, 8) & 0xff]));
    else if (char !== undefined) parts.push(Buffer.from([ESCAPES[char] ?? char.charCodeAt(0)]));
    else parts.push(Buffer.from(plain ?? ''));
  }
  return Buffer.concat(parts);
}
