import { expect, it } from 'vitest';
import { head, readRevision } from '../../../../src/browse/revision.ts';
import { gitSpace } from '../../../../src/http/git/git-path.ts';
import { formatNpub } from '../../../../src/nostr/public-key.ts';
import { PAGE_WORDS } from '../../../../src/nostr/repository-url.ts';
import { repositoryId } from '../../../../src/repository/repository-id.ts';
import { CodeLinks } from '../../../../src/web/code/code-links.ts';
import { readCodePath } from '../../../../src/web/code/code-path.ts';
import { manifestOf, oid } from '../../../helpers/repository-rig.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';
import { alice } from '../../nostr/authors.ts';

const NPUB = formatNpub(alice.publicKey);
const ID = repositoryId(alice.publicKey, 'my tool/'.replace('/', ''));

it('a link is parsed back for any bytes in it', () => {
  const random = new SeededRandom(15);
  const links = new CodeLinks('https://git.example.org', ID);
  for (let round = 0; round < 300; round++) {
    const path = Array.from({ length: 1 + random.below(4) }, () => {
      const bytes = Buffer.alloc(1 + random.below(6));
      for (let at = 0; at < bytes.length; at++) bytes[at] = 1 + random.below(255);
      return Buffer.from(bytes.map((byte) => (byte === 0x2f ? 0x2e : byte)));
    }).filter((name) => !['.', '..'].includes(String(name)));
    // As a browser and hono make it of the link.
    const { pathname } = new URL(links.at('file', 'feature/x', path), 'https://git.example.org');
    const read = readCodePath(pathname);
    expect(read, `seed 15, round ${round}`).toMatchObject({ id: ID, word: 'file' });
    expect(read?.segments.slice(2).map((name) => name.toString('hex'))).toEqual(
      path.map((name) => name.toString('hex')),
    );
  }
});

it.each([
  `/${NPUB}/tool`,
  `/${NPUB}/tool/`,
  `/${NPUB}/tool/nothing/main`,
  `/${NPUB}/tool/info/refs`,
  `/${NPUB}/tool.git/tree/main`,
  `/npub1wrong/tool/tree/main`,
  `/${NPUB}/tool/file/main/a%00b`,
  `/${NPUB}/tool/file/main/%zz`,
  `/${NPUB}/%ff/file/main/x`,
])('%s is not a page of code', (path) => expect(readCodePath(path)).toBeUndefined());

it('slashes of refs and paths may be encoded, too, as programs do that encode a whole parameter', () => {
  const { segments } = readCodePath(`/${NPUB}/tool/file/feature%2Fx/src%2fmain.ts/%252F`) ?? {};
  expect(segments?.map(String)).toEqual(['feature', 'x', 'src', 'main.ts', '%2F']);
});

it('URLs of pages and of git requests never overlap', () => {
  for (const word of PAGE_WORDS) {
    expect(gitSpace(`/${NPUB}/tool/${word}/main/info/refs`)).toBeUndefined();
    expect(gitSpace(`/${NPUB}/tool/${word}`)).toBeUndefined();
    expect(gitSpace(`/${NPUB}/tool/${word}s-of-git`)).toBe('grasp');
  }
  for (const rest of ['info/refs', 'git-upload-pack', 'git-receive-pack', 'HEAD', 'objects/info/packs'])
    expect(gitSpace(`/${NPUB}/tool.git/${rest}`)).toBe('grasp');
});

const MANIFEST = manifestOf({
  refs: new Map([
    ['refs/heads/a/b', oid('1')],
    ['refs/heads/main', oid('2')],
    ['refs/nostr/x', oid('3')],
    ['refs/tags/main', oid('4')],
    ['refs/tags/v1', oid('5')],
  ]),
});
const parts = (path: string) => path.split('/').map((part) => Buffer.from(part));

it.each([
  ['main/x/y', '2', 'x/y'],
  ['a/b/c', '1', 'c'],
  ['v1', '5', ''],
  ['refs/tags/main/z', '4', 'z'],
  ['refs/nostr/x/z', '3', 'z'],
  ['HEAD/z', '2', 'z'],
  [`${oid('9')}/z`, '9', 'z'],
])('%s names a revision and a path', (path, digit, rest) => {
  const found = readRevision(MANIFEST, parts(path));
  expect([found.oid, found.path.map(String).join('/')]).toEqual([oid(digit), rest]);
});

it('an invalid revision, and a missing default branch, are not found', () => {
  for (const path of ['a', 'nothing', 'refs', oid('9').slice(1), ''])
    expect(() => readRevision(MANIFEST, parts(path)), path).toThrow(/there is no branch, tag or commit/);
  expect(() => head(manifestOf())).toThrow(/does not exist yet/);
});
