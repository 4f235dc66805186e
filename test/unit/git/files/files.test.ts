import { describe, expect, it } from 'vitest';
import { parseGitmodules, parseLfsPointer } from '../../../../src/git/index.ts';

describe('a Git LFS pointer', () => {
  const pointer = (text: string) => parseLfsPointer(Buffer.from(text));
  const version = 'version https://git-lfs.github.com/spec/v1\n';
  const oid = `oid sha256:${'a'.repeat(64)}\n`;

  it('names its file', () => {
    expect(pointer(`${version}${oid}size 12345\n`)).toEqual({ oid: 'a'.repeat(64), size: 12345 });
    expect(pointer(`${version}ext-0-foo sha256:${'b'.repeat(64)}\n${oid}size 0\n`)?.size).toBe(0);
  });

  it('has exactly one form', () => {
    for (const text of [
      '',
      version,
      `${version}${oid}`,
      `x${version}${oid}size 1\n`,
      `${version}oid sha256:x\nsize 1`,
    ])
      expect(pointer(text)).toBeUndefined();
    expect(pointer(`${version}${oid}size 1\n${'x'.repeat(1_024)}`)).toBeUndefined();
  });
});

describe('.gitmodules', () => {
  const read = (text: string) => Object.fromEntries(parseGitmodules(Buffer.from(text)));

  it('names the URLs of submodules', () => {
    expect(
      read(
        [
          '# comment',
          '[submodule "one"]',
          '\tpath = lib/one',
          '\turl = https://example.org/one.git ; comment',
          '[submodule "two \\" three"]',
          ' URL = "../two#x.git"',
          ' path = "with space/"',
          '[submodule "no url"]',
          ' path = x',
          '[other]',
          ' path = y',
          ' url = z',
        ].join('\r\n'),
      ),
    ).toEqual({ 'lib/one': 'https://example.org/one.git', 'with space': '../two#x.git' });
  });

  it('is read up to a bound', () => {
    expect(parseGitmodules(Buffer.from('[submodule "x"]\npath=a\nurl=b\n'.repeat(50_000))).size).toBe(1);
    expect(read(`[submodule "x"]\npath=a\nurl=${'u'.repeat(1_000_000)}`)['a']?.length).toBeLessThan(5_000);
  });
});
