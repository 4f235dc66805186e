/** No tree is taken for plain that git's checks have something to say about, however it is kept, unless git looks at what it is a delta from. */
import { describe, expect, it } from 'vitest';
import { KeptOutlines } from '../../../../../src/repository/intake/heights/kept-outlines.ts';
import { KeptTrees, NO_BASE } from '../../../../../src/repository/intake/heights/kept-trees.ts';
import { TreeOutlines } from '../../../../../src/repository/intake/heights/tree-outlines.ts';
import { findingsOfGit } from '../../../../helpers/checked-by-git.ts';
import { CraftedPack } from '../../../../helpers/craft-pack.ts';
import { deltaBetween } from '../../../../helpers/random-delta.ts';
import { objectId } from '../../../../helpers/raw-git.ts';
import { SeededRandom } from '../../../../helpers/seeded-random.ts';
import { testSeed } from '../../../../helpers/test-seed.ts';
import { RealRepository } from '../../../git/real-git.ts';

const seed = testSeed();
const rounds = Number(process.env['CAIRN_TEST_TREES'] ?? 4);
const TREES = 400;

interface Entry {
  readonly mode: string;
  readonly name: Buffer;
  readonly id: Buffer;
}

/** A file and a folder of the same name may lie apart. */
const FEW_NAMES = ['a', 'a-b', 'a.b', 'a-', 'a0', 'a-b-c', 'b'];
const PLAIN_MODES = ['100644', '100755', '40000'];
const ODD_MODES = [
  '120000',
  '160000',
  '040000',
  '100664',
  '100600',
  '100',
  '0',
  '40755',
  '10064x',
  '',
  '0100644',
];
const PLAIN_NAMES = [
  'a',
  'a-b',
  'a.b',
  'a.',
  'a0',
  'ab',
  'B',
  'src',
  'src.c',
  'src-',
  'src0',
  'README',
  'README.md',
  'é',
  'z',
  '-',
  'A',
];
const ODD_NAMES = [
  '.git',
  '.GIT',
  '.Git ',
  '.git.',
  '.git::$INDEX_ALLOCATION',
  'git~1',
  'GIT~1',
  '.gitmodules',
  '.GITMODULES',
  'gitmod~1',
  'gi7eba~1',
  '.gitattributes',
  '.gitignore',
  '.mailmap',
  '.g\u200cit',
  '.\u200dgit',
  '\ufeff.git',
  '.gi\u206at',
  '.',
  '..',
  '',
  'x/y',
  'a\\.git',
  '\\.git',
  'x\\',
  '~',
  ':',
  '.gitx',
  '.x',
  'x'.repeat(300),
  'y'.repeat(5_000),
  '\u0001',
  '...',
  ' ',
];

const keyOf = ({ mode, name }: Entry) => Buffer.concat([name, Buffer.from(mode === '40000' ? '/' : '\0')]);
const bytesOf = (entries: readonly Entry[]) =>
  Buffer.concat(entries.flatMap(({ mode, name, id }) => [Buffer.from(`${mode} `), name, Buffer.of(0), id]));

function mutated(
  random: SeededRandom,
  base: readonly Entry[],
  oddness: number,
  idLength: number,
  few: boolean,
): Entry[] {
  const isOdd = () => random.below(100) < oddness;
  const next = [...base];
  const fresh = (): Entry => ({
    mode: random.pick(isOdd() ? ODD_MODES : PLAIN_MODES),
    name: Buffer.from(
      isOdd()
        ? random.pick(ODD_NAMES)
        : few
          ? random.pick(FEW_NAMES)
          : random.below(3) === 0
            ? random.pick(PLAIN_NAMES)
            : `${random.pick(PLAIN_NAMES)}${random.hex(1)}`,
    ).filter((byte) => byte !== 0) as Buffer,
    id: random.below(30) === 0 ? Buffer.alloc(idLength) : Buffer.from(random.hex(idLength), 'hex'),
  });
  for (let changes = random.below(4); changes >= 0; changes--) {
    const at = random.below(next.length);
    const old = next[at];
    const change = random.below(8);
    if (old === undefined || change === 0) next.splice(at, 0, fresh());
    else if (change < 4) next[at] = { ...old, id: fresh().id };
    else if (change === 4) next.splice(at, 1);
    else if (change === 5) next[at] = { ...old, mode: fresh().mode };
    else if (change === 6) next[at] = { ...old, name: fresh().name };
    else if (isOdd()) next.splice(random.below(next.length), 0, old);
    else next.push(fresh());
  }
  // Most trees are in git's order, some are nearly so.
  if (!isOdd()) next.sort((a, b) => Buffer.compare(keyOf(a), keyOf(b)));
  return next;
}

/** Adds random trees to a pack and to outlines. */
function randomTrees(random: SeededRandom, idLength: 20 | 32, oddness: number) {
  const pack = new CraftedPack(idLength === 20 ? 'sha1' : 'sha256');
  const kept = new KeptTrees();
  kept.allow(2 ** 26);
  const odd = new Set<number>();
  // With little room, most outlines are made again.
  const room = new KeptOutlines(random.pick([5, 100, 10_000]));
  const outlines = new TreeOutlines(
    kept,
    idLength,
    () => undefined,
    (tree) => odd.add(tree),
    room,
  );
  const trees: { readonly entries: Entry[]; readonly base: number; readonly id: string }[] = [];
  const few = random.below(2) === 0;
  while (trees.length < TREES) {
    const base = trees.length === 0 || random.below(8) === 0 ? NO_BASE : random.below(trees.length);
    const from = trees[base]?.entries ?? [];
    const entries = mutated(random, from, oddness, idLength, few);
    const content = bytesOf(entries);
    const bytes = base === NO_BASE ? content : deltaBetween(random, bytesOf(from), content);
    // No delta makes nothing.
    if (content.length === 0) continue;
    if (base === NO_BASE) pack.whole({ type: 'tree', content });
    else pack.offsetDelta(base, bytes);
    const at = kept.room(bytes.length) ?? -1;
    bytes.copy(kept.buffer, at);
    kept.steps = 2 ** 20;
    const isTree = outlines.add(at, bytes.length, base);
    // An entry without a mode or with an id that is cut off is none.
    expect(isTree).toBe(true);
    trees.push({
      entries,
      base,
      id: objectId({ type: 'tree', content }, idLength === 20 ? 'sha1' : 'sha256'),
    });
  }
  return { pack, trees, odd };
}

describe(`odd trees (seed ${seed})`, () => {
  it.each([
    [20, 3],
    [20, 30],
    [32, 10],
  ] as const)(
    'include all that git complains of (ids of %i bytes, %i %% of changes are odd)',
    (idLength, oddness) => {
      const random = new SeededRandom(seed + oddness);
      let complaints = 0;
      for (let round = 0; round < rounds; round++) {
        using repository = new RealRepository(idLength === 20 ? 'sha1' : 'sha256');
        const { pack, trees, odd } = randomTrees(random, idLength, oddness);
        const found = findingsOfGit(repository, pack);
        complaints += found.size;
        const isBad = (tree: number) => found.has(trees[tree]?.id ?? '');
        const missed = trees.flatMap(({ base, entries }, tree) =>
          isBad(tree) && !odd.has(tree) && !(base !== NO_BASE && isBad(base))
            ? [entries.map(({ mode, name }) => `${mode} ${name}`).join('\n')]
            : [],
        );
        expect(missed).toEqual([]);
      }
      expect(complaints).toBeGreaterThan(10);
    },
  );

  it('are none where changes are ordinary, in trees of any size', () => {
    const random = new SeededRandom(seed);
    const kept = new KeptTrees();
    kept.allow(2 ** 26);
    const odd: number[] = [];
    const outlines = new TreeOutlines(
      kept,
      20,
      () => undefined,
      (tree) => odd.push(tree),
    );
    let entries: Entry[] = [];
    for (let tree = 0; tree < 300; tree++) {
      const before = bytesOf(entries);
      const at = random.below(entries.length);
      const old = entries[at];
      const id = Buffer.from(random.hex(20), 'hex');
      if (old === undefined || tree % 3 === 0) {
        entries.push({ mode: random.pick(PLAIN_MODES), name: Buffer.from(`file-${1_000 + tree}`), id });
        entries.push({ mode: '100644', name: Buffer.from(`.env-${1_000 + tree}-é`), id });
      } else if (tree % 3 === 1) entries[at] = { ...old, id };
      else entries = entries.filter((each) => each !== old);
      entries.sort((a, b) => Buffer.compare(keyOf(a), keyOf(b)));
      const content = bytesOf(entries);
      const bytes = tree === 0 ? content : deltaBetween(random, before, content);
      const place = kept.room(bytes.length) ?? -1;
      bytes.copy(kept.buffer, place);
      kept.steps = 2 ** 20;
      expect(outlines.add(place, bytes.length, tree === 0 ? NO_BASE : tree - 1)).toBe(true);
    }
    expect(odd).toEqual([]);
  });
});
