import { expect, it } from 'vitest';
import { formatNpub } from '../../../../../src/nostr/public-key.ts';
import { submoduleHere } from '../../../../../src/web/code/pages/file/submodule-here.ts';

const [OWNER, OTHER] = ['1'.repeat(64), '2'.repeat(64)];
const [npub, other] = [formatNpub(OWNER), formatNpub(OTHER)];

const BASES = ['https://git.example.org', 'https://git.example.org:8443/code'];

it.each(BASES)('URLs of repositories below %s are found', (base) => {
  const root = new URL(base).pathname.replace(/\/$/, '');
  const found = (url: string) => submoduleHere(base, OWNER, 'this', url)?.repository;
  for (const [url, repository] of [
    ['../other.git', `${npub}/other`],
    ['../other', `${npub}/other`],
    ['./../other.git/', `${npub}/other`],
    ['.././a/../other.git', `${npub}/other`],
    ['../a%20b.git', `${npub}/a%20b`],
    [`../../${other}/lib.git`, `${other}/lib`],
    [`../../${OTHER}/lib.git`, `${other}/lib`],
    [`../../../git/../${other}/lib.git`, undefined],
    [`${base}/${other}/lib.git`, `${other}/lib`],
    [`${base}/git/${OTHER}/lib.git`, `${other}/lib`],
    [`${base.toUpperCase().replace('/CODE', '/code')}/${other}/lib.git`, `${other}/lib`],
  ] as const) {
    expect(found(url), url).toBe(repository === undefined ? undefined : `${root}/${repository}`);
  }
});

it('all other URLs lead elsewhere, or nowhere', () => {
  const base = 'https://git.example.org/code';
  for (const url of [
    undefined,
    '',
    'lib.git',
    './lib.git',
    '../',
    '../../lib.git',
    '../../nobody/lib.git',
    '../a/b.git',
    `${'../'.repeat(100)}lib.git`,
    '../%ff.git',
    '/etc/passwd',
    'git@example.org:a/b.git',
    'javascript:alert(1)',
    'ssh://git.example.org/code/a/b.git',
    `https://git.example.org/${npub}/lib.git`,
    `https://git.example.org.evil.example/code/${npub}/lib.git`,
    `https://git.example.org:444/code/${npub}/lib.git`,
    `https://git.example.org/code/${npub}/lib.git/tree/main`,
  ])
    expect(submoduleHere(base, OWNER, 'this', url)?.repository, url).toBeUndefined();
});
