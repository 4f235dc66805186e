import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parsePatchMail } from '../../../../src/git/index.ts';
import { GitClient } from '../../../helpers/git-client.ts';
import { type TempDir, tempDir } from '../../../helpers/temp-dir.ts';

const LIMITS = { files: 100, lines: 1_000 };
let folder: TempDir;
let client: GitClient;

beforeAll(async () => {
  folder = await tempDir('cairn-patch-mail');
  client = await new GitClient(folder.path).init('work', '--initial-branch=main');
});
afterAll(() => folder[Symbol.asyncDispose]());

describe('a patch mail of git', () => {
  it('has a subject in any language, a message, and its changes: added, deleted, renamed, binary, odd names', async () => {
    const long = Array.from({ length: 30 }, (_, at) => `line ${at}\n`).join('');
    await client.commit('Begin', { 'a.txt': 'one\ntwo\n', gone: 'x\n', old: long, bin: Buffer.from([0, 1]) });
    await client.run(['mv', 'old', 'new']);
    await client.run(['rm', '-q', 'gone']);
    await client.commit(
      `Ändere «alles» auf einmal, mit einem Betreff, der länger ist als eine Zeile\n\nWeil.\n\nkein Ende`,
      {
        'a.txt': 'one\n- \nthree\n',
        'nö"t\tme': 'x',
        bin: Buffer.from([0, 2]),
      },
    );
    const mail = parsePatchMail(await client.run(['format-patch', '-1', '--stdout', '--binary']), LIMITS);
    expect(mail.subject).toBe(
      '[PATCH] Ändere «alles» auf einmal, mit einem Betreff, der länger ist als eine Zeile',
    );
    expect(mail.commit).toBe((await client.oidOf('HEAD')).trim());
    expect(mail.message).toBe('Weil.\n\nkein Ende');
    expect(mail.count).toBe(5);
    const files = mail.files.map(
      ({ file }) => `${file.status} ${file.oldPath} ${file.newPath} ${file.added} ${file.deleted}`,
    );
    expect(files.sort()).toEqual([
      'added nö"t\tme nö"t\tme 1 0',
      'deleted gone gone 0 1',
      'modified a.txt a.txt 2 1',
      'modified bin bin undefined undefined',
      'renamed old new 0 0',
    ]);
    const last = mail.files.find(({ file }) => String(file.newPath) === 'nö"t\tme');
    expect(last?.diff.hunks[0]?.lines).toEqual([
      { kind: 'added', oldLine: undefined, newLine: 1, text: 'x', noLineFeed: true },
    ]);
  });
});

describe('a made-up patch mail', () => {
  it('is read as far as it is valid', () => {
    expect(parsePatchMail('', LIMITS)).toMatchObject({ subject: '', message: '', count: 0 });
    expect(parsePatchMail('just words', LIMITS)).toMatchObject({ message: 'just words', count: 0 });
    const bare = parsePatchMail(
      'diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n-- \n2.39.2\n',
      LIMITS,
    );
    expect(bare.files[0]?.file).toMatchObject({ status: 'modified', added: 1, deleted: 1 });
    const crlf = parsePatchMail(
      'Subject: s\r\n\r\nbody\r\n---\r\n x | 1 +\r\n\r\ndiff --git a/x b/x\r\n@@ -0,0 +1 @@\r\n+b\r\n',
      LIMITS,
    );
    expect(crlf).toMatchObject({ subject: 's', message: 'body', count: 1 });
  });

  it('with very many files and lines is cut, in time proportional to its length', () => {
    const file = (at: number) =>
      `diff --git a/${at} b/${at}\n--- a/${at}\n+++ b/${at}\n@@ -1 +1,3 @@\n+1\n+2\n+3\n`;
    const many = parsePatchMail(Array.from({ length: 2_000 }, (_, at) => file(at)).join(''), {
      files: 10,
      lines: 2,
    });
    expect([many.files.length, many.count, many.files[0]?.diff.cut]).toEqual([10, 2_000, true]);
    const lines = `Subject: x\n\ndiff --git a/x b/x\n-- \n${' '.repeat(200_000)}\nx`;
    expect(parsePatchMail(lines, LIMITS).count).toBe(1);
    for (const odd of ['=?utf-8?q?', '\n-- \n', 'Subject: ', ' \n\t', '---\n', '"\\', 'diff --git "a/'])
      expect(parsePatchMail(`Subject: x\n${odd.repeat(20_000)}`, LIMITS).count).toBeLessThanOrEqual(20_000);
  });
});
