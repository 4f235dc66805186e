/** No commit is taken for plain that git's checks have something to say about. */
import { describe, expect, it } from 'vitest';
import { readPlainCommit } from '../../../../src/git/index.ts';
import { findingsOfGit } from '../../../helpers/checked-by-git.ts';
import { CraftedPack } from '../../../helpers/craft-pack.ts';
import { objectId } from '../../../helpers/raw-git.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';
import { testSeed } from '../../../helpers/test-seed.ts';
import { RealRepository } from '../real-git.ts';

const seed = testSeed();
const COMMITS = Number(process.env['CAIRN_TEST_COMMITS'] ?? 3_000);

const NAMES = ['A', 'A U Thor', 'é', 'A "B" C', 'A.', "O'N", ' ', '', 'A  B', 'A\t'];
const ADDRESSES = ['a@example.com', '', 'a b', 'a@b@c', 'é'];
const DATES = [
  '0',
  '1',
  '1700000000',
  '9999999999',
  '01',
  '99999999999',
  '-1',
  '18446744073709551616',
  '1.5',
  '',
  '+1',
];
const ZONES = ['+0000', '-1200', '+1', '0000', '+00000', '+12x0', ''];
/** What a byte is replaced by, or what is put in its place. */
const PIECES = ['\0', '\n', '<', '>', ' ', '\n\n', 'x', '\r', '\xff', 'author ', 'parent ', 'tree '];

function plain(random: SeededRandom, idLength: number): string {
  const person = () =>
    `${random.pick(NAMES.slice(0, 6))} <${random.pick(ADDRESSES)}> ${random.pick(DATES.slice(0, 4))} ${random.pick(ZONES.slice(0, 2))}`;
  const parents = Array.from({ length: random.below(4) }, () => `parent ${random.hex(idLength)}\n`);
  const more = random.pick([
    '',
    'encoding UTF-8\n',
    'gpgsig -----BEGIN\n x\n -----END\n',
    'mergetag object\n x\n',
  ]);
  const message = random.pick(['', 'x', 'x\n', '\n', 'a\n\nb\n']);
  return `tree ${random.hex(idLength)}\n${parents.join('')}author ${person()}\ncommitter ${person()}\n${more}\n${message}`;
}

function mutated(random: SeededRandom, commit: string): string {
  const lines = commit.split('\n');
  const at = random.below(Math.min(lines.length, 6));
  const line = lines[at] ?? '';
  const change = random.below(8);
  if (change === 0) lines.splice(at, 1);
  else if (change === 1) lines.splice(at, 0, line);
  else if (change === 2) lines.splice(random.below(lines.length), 0, ...lines.splice(at, 1));
  else if (change === 3)
    lines[at] = line.replace(/ .* </, ` ${random.pick(NAMES)}${random.pick([' ', ''])}<`);
  else if (change === 4)
    lines[at] = line.replace(
      /> .*$/,
      `>${random.pick([' ', '', '  '])}${random.pick(DATES)} ${random.pick(ZONES)}`,
    );
  else if (change === 5) return commit.slice(0, random.below(commit.length));
  else {
    const place = random.below(commit.length);
    return commit.slice(0, place) + random.pick(PIECES) + commit.slice(place + random.below(3));
  }
  return lines.join('\n');
}

describe(`plain commits (seed ${seed})`, () => {
  it.each(['sha1', 'sha256'] as const)('have nothing that git complains of (%s)', (format) => {
    const idLength = format === 'sha1' ? 20 : 32;
    const random = new SeededRandom(seed + idLength);
    using repository = new RealRepository(format);
    const pack = new CraftedPack(format);
    const commits = new Map<string, { readonly content: Buffer; readonly isPlain: boolean }>();
    while (commits.size < COMMITS) {
      const good = plain(random, idLength);
      const isGood = random.below(4) === 0;
      const content = Buffer.from(isGood ? good : mutated(random, good), 'latin1');
      const isPlain = readPlainCommit(content, 0, content.length, 2 * idLength, () => undefined);
      if (isGood) expect(isPlain).toBe(true);
      const id = objectId({ type: 'commit', content }, format);
      if (commits.has(id) || content.length === 0) continue;
      commits.set(id, { content, isPlain });
      pack.whole({ type: 'commit', content });
    }
    const found = findingsOfGit(repository, pack);
    const missed = [...found].filter((id) => commits.get(id)?.isPlain === true);
    expect(missed.map((id) => commits.get(id)?.content.toString('latin1'))).toEqual([]);
    expect(found.size).toBeGreaterThan(COMMITS / 20);
  });

  it('tell what they link to', () => {
    const [tree, first, second] = ['a', 'b', 'c'].map((digit) => digit.repeat(40));
    const person = 'A <a@example.com> 1 +0000';
    const commit = `tree ${tree}\nparent ${first}\nparent ${second}\nauthor ${person}\ncommitter ${person}\n\nx\n`;
    const bytes = Buffer.from(`before${commit}`);
    const links: string[] = [];
    const visit = (isParent: boolean, at: number) =>
      links.push(`${isParent} ${bytes.toString('latin1', at, at + 40)}`);
    expect(readPlainCommit(bytes, 6, bytes.length, 40, visit)).toBe(true);
    expect(links).toEqual([`false ${tree}`, `true ${first}`, `true ${second}`]);
    expect(readPlainCommit(bytes, 6, bytes.length, 64, () => undefined)).toBe(false);
  });
});
