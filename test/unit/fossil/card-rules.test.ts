import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { fileCards, kindOfCards } from '../../../src/fossil/card-rules.ts';
import { parseProjectNote } from '../../../src/fossil/project-note.ts';
import { readStructuralArtifact, writeStructuralArtifact } from '../../../src/fossil/structural-artifact.ts';
import { FossilClient, noFossil } from '../../helpers/fossil.ts';
import { SeededRandom } from '../../helpers/seeded-random.ts';
import { tempDir } from '../../helpers/temp-dir.ts';
import { testSeed } from '../../helpers/test-seed.ts';

const [ONE, OTHER] = ['a'.repeat(40), 'b'.repeat(64)];
const DATE = '2026-01-01T00:00:00';

/** One artifact of each kind, with all cards that it may have. */
const WHOLE = {
  'check-in': [
    `B ${ONE}`,
    'C comment',
    `D ${DATE}`,
    'F a',
    `F b/c ${ONE} x`,
    `F d ${OTHER} l b`,
    'N text/plain',
    `P ${ONE} ${OTHER}`,
    `Q +${ONE} ${OTHER}`,
    `R ${'0'.repeat(32)}`,
    'T *branch * trunk',
    `T +x ${ONE}`,
    'U someone',
  ],
  cluster: [`M ${ONE}`, `M ${OTHER}`],
  tag: [`D ${DATE}`, `T *bgcolor ${ONE} red`, `T -x ${OTHER}`, 'U someone'],
  wiki: ['C comment', `D ${DATE}`, 'L Some\\sPage', 'N text/plain', `P ${ONE}`, 'U someone', 'W 3\nabc'],
  ticket: [`D ${DATE}`, 'J +comment text', 'J status', `K ${ONE}`, 'U someone'],
  attachment: [`A a.txt Page ${ONE}`, 'C comment', `D ${DATE}`, 'N text/plain', 'U someone'],
  technote: [
    'C comment',
    `D ${DATE}`,
    `E ${DATE} ${OTHER}`,
    'N text/plain',
    `P ${ONE}`,
    'T +sym-x *',
    'U someone',
    'W 0\n',
  ],
  forum: [`D ${DATE}`, `G ${ONE}`, `I ${OTHER}`, 'N text/plain', `P ${ONE}`, 'U someone', 'W 2\nhi'],
} as const;

const artifact = (cards: readonly string[]) =>
  writeStructuralArtifact(cards.map((card) => `${card}\n`).join(''));

function kindOf(content: Uint8Array) {
  const cards = readStructuralArtifact(content);
  const kind = cards === undefined ? undefined : kindOfCards(cards);
  return cards !== undefined && fileCards(cards) !== undefined ? kind : undefined;
}

it.each(Object.entries(WHOLE))('%s is told by its cards', (kind, cards) => {
  expect(kindOf(artifact(cards))).toBe(kind);
});

it('a technote may have its type behind its parent, and a name of 64 digits', () => {
  const cards = [...WHOLE.technote];
  cards.splice(3, 2, `P ${ONE}`, 'N text/plain');
  expect(kindOf(artifact(cards))).toBe('technote');
  expect(parseProjectNote(artifact(cards))).toMatchObject({ is: 'technote', technote: OTHER });
  expect(
    kindOf(artifact([...WHOLE.wiki.slice(0, 3), `P ${ONE}`, 'N text/plain', ...WHOLE.wiki.slice(5)])),
  ).toBe(undefined);
});

/** Arguments that some cards take and others do not. */
const ODD = [
  '',
  'x',
  '*',
  '+abc',
  '+abx',
  '-abx',
  '+abx *',
  '*abx * y',
  ONE,
  OTHER,
  `${ONE} ${OTHER}`,
  `+${ONE}`,
  'A'.repeat(40),
  'c'.repeat(41),
  'd'.repeat(32),
  'a/../b',
  '/a',
  'a/',
  'a//b',
  `z/.b ${ONE}`,
  'two\\s\\swords',
  'two\\swords',
  'ü'.repeat(51),
  `\u{1F600} ${ONE}`,
  `\uFF21 ${ONE}`,
  'a b c d e',
] as const;

/** An artifact of some kind, most of them with one or two faults. */
function randomCards(random: SeededRandom): string[] {
  const kinds = Object.values(WHOLE);
  const cards: string[] = random.pick(kinds).filter(() => random.below(6) > 0);
  for (let faults = random.below(3); faults > 0; faults--) {
    const at = random.below(Math.max(1, cards.length));
    const letter = cards[at]?.charAt(0) ?? 'C';
    const change = random.below(6);
    if (change === 0) cards.splice(at, 0, cards[at] ?? 'C c');
    else if (change === 1) cards.push(random.pick([...random.pick(kinds)]));
    else if (change === 2) cards[at] = letter;
    else if (change === 3 && letter !== 'D' && letter !== 'W') cards[at] = `${cards[at]} ${random.pick(ODD)}`;
    else if (letter !== 'D' && letter !== 'E' && letter !== 'W') cards[at] = `${letter} ${random.pick(ODD)}`;
  }
  if (random.below(5) > 0) cards.sort((one, other) => one.charCodeAt(0) - other.charCodeAt(0));
  return cards;
}

it('the stock program takes the same artifacts, and none that are not', async ({ skip }) => {
  skip(noFossil !== undefined, noFossil);
  await using folder = await tempDir();
  const user = new FossilClient(folder.path);
  const random = new SeededRandom(testSeed(11));
  const many = Array.from({ length: Number(process.env['CAIRN_TEST_ARTIFACTS'] ?? 150) }, () =>
    randomCards(random),
  );
  const taken = { here: 0, nowhere: 0 };
  const jobs = many.entries();
  const work = async () => {
    for (const [number, cards] of jobs) {
      const content = artifact(cards);
      const path = join(folder.path, `${number}`);
      await writeFile(path, content);
      const { all } = await user.try(['test-parse-manifest', path]);
      const isTaken = kindOf(content) !== undefined;
      expect({ cards, isTaken, all }).toEqual({
        cards,
        isTaken: all.includes('manifest_parse() worked'),
        all,
      });
      taken[isTaken ? 'here' : 'nowhere']++;
    }
  };
  await Promise.all([work(), work(), work()]);
  // Both kinds came often enough to show something.
  expect(Math.min(taken.here, taken.nowhere)).toBeGreaterThan(many.length / 6);
});
