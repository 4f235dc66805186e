import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ArtifactName } from '../../../src/fossil/artifact-name.ts';
import { nameOf } from '../../../src/fossil/artifact-name.ts';
import { parseCheckIn } from '../../../src/fossil/check-in.ts';
import { parseCluster, writeClusters } from '../../../src/fossil/cluster.ts';
import { mayBeStructural } from '../../../src/fossil/structural-artifact.ts';
import { FossilClient, noFossil } from '../../helpers/fossil.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

const names = (count: number): ArtifactName[] =>
  Array.from({ length: count }, (_, number) => nameOf(Buffer.from(`${number}`), 'sha3-256'));

const artifact = (lines: string) =>
  Buffer.from(`${lines}Z ${createHash('md5').update(lines).digest('hex')}\n`);

const ONE = 'a'.repeat(40) as ArtifactName;
const OTHER = 'b'.repeat(64) as ArtifactName;

describe('clusters', () => {
  it.each([
    [99, []],
    [100, [100]],
    [899, [899]],
    [900, [900]],
    [901, [800, 101]],
    [2_000, [800, 800, 400]],
  ])('of %i artifacts are grouped as by Fossil', (count, sizes) => {
    const clusters = writeClusters(names(count));
    expect(clusters.map((cluster) => parseCluster(cluster)?.length)).toEqual(sizes);
    const members = clusters.flatMap((cluster) => parseCluster(cluster) ?? []);
    expect(members).toEqual(names(count === 99 ? 0 : count).sort());
  });

  it('name each artifact once', () => {
    expect(parseCluster(writeClusters([...names(100), ...names(100)])[0] ?? Buffer.from(''))).toHaveLength(
      100,
    );
  });

  it.each([
    ['names out of order', artifact(`M ${OTHER}\nM ${ONE}\n`)],
    ['a name twice', artifact(`M ${ONE}\nM ${ONE}\n`)],
    ['upper-case names', artifact(`M ${'A'.repeat(40)}\n`)],
    ['names of another length', artifact(`M ${'a'.repeat(41)}\n`)],
    ['another card', artifact(`M ${ONE}\nP ${ONE}\n`)],
    ['a wrong checksum', Buffer.from(`M ${ONE}\nZ ${'0'.repeat(32)}\n`)],
    ['nothing but a checksum', artifact('')],
    ['text after the checksum', Buffer.concat([artifact(`M ${ONE}\n`), Buffer.from('x')])],
  ])('are not recognized with %s', (_, content) => {
    expect(parseCluster(content)).toBeUndefined();
  });
});

it('a content of very many cards is none: they would take more memory than a server has', () => {
  const tags = (count: number) =>
    Array.from({ length: count }, (_, at) => `T +tag${100_000_000 + at} *\n`).join('');
  expect(parseCheckIn(artifact(`C c\nD 2026-01-01T00:00:00\n${tags(249_000)}`))).toBeDefined();
  expect(parseCheckIn(artifact(`C c\nD 2026-01-01T00:00:00\n${tags(251_000)}`))).toBeUndefined();
  expect(parseCheckIn(artifact(`C c\nD 2026-01-01T00:00:00\n${'F x\n'.repeat(300_000)}`))).toBeDefined();
  expect(parseCheckIn(artifact(`C c\nD 2026-01-01T00:00:00\n${'F x\n'.repeat(2_000_001)}`))).toBeUndefined();
});

it('a check-in without parents and user may have both cards without an argument, as the first ones of old projects', () => {
  const first = artifact(`C initial\\sempty\\scheck-in\nD 2008-01-01T00:00:00\nP\nR ${'0'.repeat(32)}\nU\n`);
  expect(parseCheckIn(first)).toMatchObject({ parents: [], user: '', comment: 'initial empty check-in' });
});

it('several cards of parents are all parents', () => {
  const content = artifact(`C x\nD 2008-01-01T00:00:00\nP ${ONE}\nP ${OTHER}\nU me\n`);
  expect(parseCheckIn(content)?.parents).toEqual([ONE, OTHER]);
});

describe('check-ins', () => {
  const lines = `C two\\swords\nD 2026-11-29T16:43:34.013\nP ${ONE} ${OTHER}\nR ${'0'.repeat(32)}\nT *branch * trunk\nU a\\sb\n`;

  it('have parents, an author and a time', () => {
    expect(parseCheckIn(artifact(lines))).toEqual({
      parents: [ONE, OTHER],
      comment: 'two words',
      user: 'a b',
      time: Date.UTC(2026, 10, 29, 16, 43, 34) / 1_000,
      branch: 'trunk',
      baseline: undefined,
    });
  });

  it.each(['PGP', 'SSH'])('are recognized under a signature of %s', (kind) => {
    const head = `-----BEGIN ${kind} SIGNED MESSAGE-----`;
    const signature = `-----BEGIN ${kind} SIGNATURE-----\n\nabc\n-----END ${kind} SIGNATURE-----\n`;
    const message = artifact(lines).toString();
    for (const begin of [`${head}\n\n`, `${head}\nHash: SHA1\n\n`, `${head}\r\nHash: SHA1\r\n\r\n`]) {
      for (const end of [signature, '']) {
        const signed = Buffer.from(`${begin}${message}${end}`);
        expect(parseCheckIn(signed)?.user, JSON.stringify([begin, end])).toBe('a b');
        expect(mayBeStructural(signed)).toBe(true);
      }
    }
    expect(parseCheckIn(Buffer.from(`${head}\n${message}${signature}`))).toBeUndefined();
    expect(parseCheckIn(Buffer.from(`${head} x${message}${signature}`))).toBeUndefined();
  });

  it.each([
    ['a tag', artifact(`D 2026-11-29T16:43:34\nT +release ${ONE}\nU me\n`)],
    ['a technote', artifact(`C note\nD 2026-11-29T16:43:34\nE 2026-11-29T16:43:34 ${ONE}\nU me\nW 0\n\n`)],
    ['an attachment', artifact(`A f.txt page ${ONE}\nC comment\nD 2026-11-29T16:43:34\nU me\n`)],
    ['a wiki page', artifact('D 2026-11-29T16:43:34\nL Page\nU me\n')],
    ['a cluster', artifact(`M ${ONE}\n`)],
    ['cards out of order', artifact(`D 2026-11-29T16:43:34\nC hello\nU me\n`)],
    ['a check-in without a date', artifact('C x\nU me\n')],
    ['a check-in with the text of a page', artifact('C x\nD 2026-11-29T16:43:34\nU me\nW 0\n\n')],
    ['two comments', artifact('C x\nC y\nD 2026-11-29T16:43:34\nU me\n')],
    ['a comment of two words', artifact('C x y\nD 2026-11-29T16:43:34\nU me\n')],
    ['a tag that looks like a hash', artifact('C x\nD 2026-11-29T16:43:34\nT +abc *\nU me\n')],
    ['a parent that is no name', artifact('C x\nD 2026-11-29T16:43:34\nP abc\nU me\n')],
    ['a wrong checksum', Buffer.from(`${lines}Z ${'0'.repeat(32)}\n`)],
    ['a text', Buffer.from('Some text\n')],
    ['nothing', Buffer.from('')],
  ])('are not confused with %s', (_, content) => {
    expect(parseCheckIn(content)).toBeUndefined();
  });
});

it('the stock program recognizes the same check-ins and clusters, and makes the same clusters', async ({
  skip,
}) => {
  skip(noFossil !== undefined, noFossil);
  await using folder = await tempDir();
  const user = new FossilClient(folder.path);
  const repository = await user.init('project');
  const files = Array.from({ length: 150 }, (_, file) => [`file${file}`, `content of ${file}\n`]);
  await user.commit('project', 'first commit', Object.fromEntries(files), '--branch', 'side');
  await user.run(['tag', 'add', 'release', 'tip'], { cwd: 'project' });
  await writeFile(join(folder.path, 'project', 'page'), 'a page of the wiki');
  await user.run(['wiki', 'create', 'Page', 'page', '--technote', 'now'], { cwd: 'project' });
  const before = await user.artifacts(repository);
  await user.run(['test-create-clusters', '-R', repository]);

  const contents = new Map<string, Buffer>();
  for (const row of await user.sql(repository, 'SELECT uuid, hex(content(uuid)) FROM blob ORDER BY uuid')) {
    const [name = '', hex] = row.replaceAll("'", '').split(',');
    contents.set(name, Buffer.from(hex ?? '', 'hex'));
  }
  const those = (parse: (content: Buffer) => unknown) =>
    [...contents].filter(([, content]) => parse(content) !== undefined).map(([name]) => name);
  expect(those(parseCheckIn)).toEqual(
    (
      await user.sql(
        repository,
        "SELECT uuid FROM event JOIN blob ON rid = objid WHERE type = 'ci' ORDER BY uuid",
      )
    ).map((row) => row.replaceAll("'", '')),
  );
  const clusters = writeClusters(before as ArtifactName[]);
  expect(clusters).toHaveLength(1);
  expect(those(parseCluster)).toEqual(clusters.map((cluster) => nameOf(cluster, 'sha3-256')));
});
