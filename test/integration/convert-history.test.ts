import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Git } from '../../src/git-process/git.ts';
import type { ConversionContext, ConvertedHistory } from '../../src/mirror/convert/conversion.ts';
import { convertHistory, forecastConversion } from '../../src/mirror/convert/convert-history.ts';
import { GitClient, run } from '../helpers/git-client.ts';
import { ObjectGraph } from '../helpers/object-graph.ts';
import { SeededRandom } from '../helpers/seeded-random.ts';
import { randomSha1History, referenceConversion, Sha1History } from '../helpers/sha1-history.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

const CHILD = fileURLToPath(new URL('../helpers/converting.mjs', import.meta.url));

let home: TempDir;
let git: Git;
beforeAll(async () => {
  home = await tempDir('cairn-home');
  git = new Git({ binary: 'git', home: home.path });
});
afterAll(async () => {
  await git.close();
  await home[Symbol.asyncDispose]();
});

function contextOf(gitDir: string, folder: string, more: Partial<ConversionContext> = {}): ConversionContext {
  return { git, gitDir, folder, signal: new AbortController().signal, ...more };
}

/** Writes a history and converts it, both in a folder. */
async function convert(
  folder: string,
  history: Sha1History,
  options: Partial<Parameters<typeof convertHistory>[1]> = {},
  more: Partial<ConversionContext> = {},
) {
  await mkdir(join(folder, 'old.git'));
  const old = await history.write(join(folder, 'old.git'));
  const context = contextOf(old.folder, join(folder, 'work'), more);
  const converted = await convertHistory(context, { refs: history.list(), ...options });
  return { old, converted, fresh: new GitClient(converted.gitDir), context };
}

/** Reads a file that maps old ids to new ones. */
async function readMapping(path: string): Promise<Map<string, string>> {
  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n').slice(1);
  expect(lines).toEqual(lines.toSorted());
  return new Map(lines.map((line) => line.split('\t') as [string, string]));
}

function refsOf({ refs }: ConvertedHistory): Map<string, string> {
  return new Map(refs.map(({ name, oid }) => [name, oid]));
}

describe('a SHA-1 history becomes SHA-256 (issue 13, point 8)', () => {
  it.each([1, 2, 3])('equals a plain conversion in memory, object by object (seed %i)', async (seed) => {
    await using folder = await tempDir();
    const history = randomSha1History(new SeededRandom(seed), 120);
    const mappingFile = join(folder.path, 'map.tsv');
    const { old, fresh, converted } = await convert(folder.path, history, { mappingFile });

    expect(await fresh.run(['fsck', '--full', '--strict'])).toBe('');
    const graph = await ObjectGraph.read(old.folder, 'sha1');
    const reachable = graph.closure(history.refs.values());
    const expected = referenceConversion(new Map([...history.objects].filter(([oid]) => reachable.has(oid))));
    expect(await readMapping(mappingFile)).toEqual(expected);
    const refs = refsOf(converted);
    for (const [name, oid] of history.refs) expect(refs.get(name), name).toBe(expected.get(oid));
    expect(await fresh.run(['for-each-ref', '--format=%(refname) %(objectname)'])).toBe(
      converted.refs.map(({ name, oid }) => `${name} ${oid}`).join('\n'),
    );
    expect(await fresh.run(['symbolic-ref', 'HEAD'])).toBe('refs/heads/main');
    expect(await fresh.run(['rev-parse', 'refs/tags/v1^{}'])).toBe(
      expected.get(graph.peel(history.refs.get('refs/tags/v1') ?? '')),
    );

    // What people see is what it was; blobs are equal, since the reference maps them to the ids of the same content.
    const seen = ['log', '--branches', '--topo-order', '--format=%an %ae %at %cn %ct %s'];
    expect((await fresh.run(seen)).split('\n').sort()).toEqual((await old.run(seen)).split('\n').sort());
    // Each commit and tag tells what it was.
    const main = refs.get('refs/heads/main') ?? '';
    expect(await fresh.run(['notes', '--ref=sha1-origin', 'show', main])).toBe(
      history.refs.get('refs/heads/main'),
    );
    const notes = (await fresh.run(['notes', '--ref=sha1-origin', 'list'])).split('\n');
    expect(notes).toHaveLength(converted.objects.commits + converted.objects.tags);
  });

  it('has the losses that the forecast announces', async () => {
    await using folder = await tempDir();
    const history = randomSha1History(new SeededRandom(4), 80);
    await mkdir(join(folder.path, 'old.git'));
    const old = await history.write(join(folder.path, 'old.git'), 'whole');
    const context = contextOf(old.folder, join(folder.path, 'work'));
    const forecast = await forecastConversion(context, { refs: history.list() });
    expect(existsSync(join(folder.path, 'work', 'converted.git'))).toBe(false);
    const { tally, objects } = await convertHistory(context, { refs: history.list() });
    const { signaturesOfCommits, signaturesOfTags, mergetags, mentions, ambiguousMentions } = forecast;
    expect(tally).toEqual({
      ...{ signaturesOfCommits, signaturesOfTags, mergetags, mentions, ambiguousMentions },
      circularMentions: 0,
    });
    expect(forecast).toMatchObject({ objects, refusals: [], submodules: [], longMessages: 0 });
    const graph = await ObjectGraph.read(old.folder, 'sha1');
    const reachable = graph.closure(history.refs.values());
    const text = [...reachable]
      .map((oid) => Buffer.from(history.objects.get(oid)?.content ?? []).toString('latin1'))
      .join('');
    expect(signaturesOfCommits).toBe(text.match(/^gpgsig /gm)?.length);
    expect(signaturesOfTags).toBe(text.match(/^-----BEGIN/gm)?.length);
    expect(mergetags).toBe(text.match(/^mergetag /gm)?.length ?? 0);
    expect(mentions).toBeGreaterThan(50);
  });

  it('continues after 14 kills at random points, and gives the same bytes', async () => {
    await using folder = await tempDir();
    const random = new SeededRandom(5);
    const history = randomSha1History(random, 150);
    const notes = history.add(
      'tree',
      Buffer.concat([
        Buffer.from(`100644 ${history.refs.get('refs/heads/main')}\0`),
        Buffer.from(history.add('blob', 'a note\n'), 'hex'),
      ]),
    );
    history.refs.set('refs/notes/commits', history.addCommit(notes, [], 1, 'Note\n'));
    const { converted, context } = await convert(folder.path, history);
    const refsFile = join(folder.path, 'refs.json');
    await writeFile(refsFile, JSON.stringify(history.list()));
    const child = (work: string, ordinal: number, milliseconds = 0) =>
      run(process.execPath, [CHILD, context.gitDir, work, refsFile, String(ordinal), String(milliseconds)]);
    const whole = await child(join(folder.path, 'whole'), 0);
    const { reports } = JSON.parse(whole.stdout) as { reports: number };
    expect(reports).toBeGreaterThan(30);

    const work = join(folder.path, 'killed');
    for (let kills = 0; kills < 14; kills++) {
      // At a report of progress, or at any moment of the first second.
      const killed =
        kills % 3 === 0 ? await child(work, 0, random.below(1000)) : await child(work, 1 + random.below(8));
      expect(killed.exitCode, killed.stderr).not.toBe(1);
    }
    const resumed = await convertHistory(contextOf(context.gitDir, work), { refs: history.list() });
    expect(resumed.refs).toEqual(converted.refs);
    expect(resumed.tally).toEqual(converted.tally);
    const names = (result: ConvertedHistory) =>
      result.packs.map(({ stem, objects }) => [stem.split('/').at(-1), objects]);
    expect(names(resumed)).toEqual(names(converted));
    expect(await new GitClient(resumed.gitDir).run(['fsck', '--full'])).toBe('');
  });

  it('needs bounded memory for any history', async () => {
    await using folder = await tempDir();
    const history = randomSha1History(new SeededRandom(6), 200);
    let held = 0;
    const observer = {
      began: () => undefined,
      advanced: () => undefined,
      held: (bytes: number) => (held = Math.max(held, bytes)),
    };
    const bounds = { cacheBytes: 128 * 1024, checkpointObjects: 10 };
    const { converted, context } = await convert(folder.path, history, {}, { observer, bounds });
    expect(converted.objects.trees).toBeGreaterThan(300);
    expect(held).toBeGreaterThan(16 * 1024);
    expect(held).toBeLessThanOrEqual(bounds.cacheBytes + 8 * 4096);
    const roomy = await convertHistory(contextOf(context.gitDir, join(folder.path, 'roomy')), {
      refs: history.list(),
    });
    expect(converted.packs.map(({ stem }) => stem.split('/').at(-1))).toEqual(
      roomy.packs.map(({ stem }) => stem.split('/').at(-1)),
    );
  });

  it('is refused for submodules before anything is written, with path and commit', async () => {
    await using folder = await tempDir();
    const history = new Sha1History();
    const file = { mode: '100644', oid: history.add('blob', 'text\n') };
    const first = history.addCommit(history.addTree(new Map([['file', file]])), [], 1, 'First\n');
    // A commit that happens to be here is refused as well.
    const files = new Map([
      ['file', file],
      ['libs/160000 x', file],
      ['libs/m\u00f6dul', { mode: '160000', oid: first }],
    ]);
    const second = history.addCommit(history.addTree(files), [first], 2, 'Second\n');
    history.refs.set('refs/heads/main', history.addCommit(history.addTree(files), [second], 3, 'Third\n'));
    await mkdir(join(folder.path, 'old.git'));
    const old = await history.write(join(folder.path, 'old.git'));
    const context = contextOf(old.folder, join(folder.path, 'work'));
    await expect(convertHistory(context, { refs: history.list() })).rejects.toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining(
        'submodules, which SHA-256 trees cannot name by SHA-1 ids: libs/m',
      ) as string,
    });
    expect(existsSync(join(folder.path, 'work', 'converted.git'))).toBe(false);
    const forecast = await forecastConversion(context, { refs: history.list() });
    expect(forecast.submodules).toEqual([
      { path: 'libs/m\ufffddul', commit: expect.stringMatching(/^[0-9a-f]{40}$/) as string, target: first },
    ]);
    expect([second, history.refs.get('refs/heads/main')]).toContain(forecast.submodules[0]?.commit);
    expect(forecast.submoduleTrees).toBe(1);
  });

  it('keeps abbreviated ids that match several commits', async () => {
    await using folder = await tempDir();
    const history = new Sha1History();
    const tree = history.addTree(new Map());
    // Two commits whose ids have the same first seven digits: one of a few tens of thousands does.
    const byPrefix = new Map<string, number>();
    const scratch = new Sha1History();
    let twins: number[] = [];
    for (let number = 0; twins.length === 0; number++) {
      const oid = scratch.addCommit(tree, [], number, `Commit ${number}\n`);
      const twin = byPrefix.get(oid.slice(0, 7));
      if (twin !== undefined) twins = [twin, number];
      byPrefix.set(oid.slice(0, 7), number);
    }
    const [one = '', other = ''] = twins.map((number) =>
      history.addCommit(tree, [], number, `Commit ${number}\n`),
    );
    const message = `Both ${one.slice(0, 7)}, one ${one}, other ${other}\n`;
    const merge = history.addCommit(tree, [one, other], 3_000_000, message);
    history.refs.set('refs/heads/main', merge);
    const { fresh, converted } = await convert(folder.path, history);
    expect(converted.tally).toMatchObject({ mentions: 2, ambiguousMentions: 1 });
    const parents = (await fresh.run(['show', '-s', '--format=%P', 'main'])).split(' ');
    expect(await fresh.run(['show', '-s', '--format=%B', 'main'])).toBe(
      `Both ${one.slice(0, 7)}, one ${parents[0]}, other ${parents[1]}\n`,
    );
  });

  it('leaves messages and notes unchanged on request', async () => {
    await using folder = await tempDir();
    const history = new Sha1History();
    const tree = history.addTree(new Map());
    const first = history.addCommit(tree, [], 1, 'First\n');
    history.refs.set('refs/heads/trunk', history.addCommit(tree, [first], 2, `Revert ${first}\n`));
    history.refs.set('refs/pull/1/head', first);
    const options = { rewriteMessages: false, originNotes: false, excludeRefPrefixes: ['refs/pull/'] };
    const { fresh, converted } = await convert(folder.path, history, options);
    expect(await fresh.run(['show', '-s', '--format=%B', 'HEAD'])).toBe(`Revert ${first}\n`);
    expect([...refsOf(converted).keys()]).toEqual(['refs/heads/trunk']);
    expect(converted.head).toBe('refs/heads/trunk');
  });

  it('keeps notes on their commits, and the history of notes', async () => {
    await using folder = await tempDir();
    const worker = await new GitClient(folder.path).init('worker');
    const commits: string[] = [];
    for (let number = 0; number < 3; number++)
      commits.push(await worker.commit(`Commit ${number}`, { file: `${number}` }));
    const [first = '', second = '', third = ''] = commits;
    await worker.run(['notes', 'add', '-m', `Builds on ${first}`, second]);
    await worker.run(['notes', 'add', '-m', 'Reviewed', third]);
    await worker.run(['notes', 'add', '-m', 'Wrong', first]);
    await worker.run(['notes', 'remove', first]);
    // As git has it with very many notes: in folders. And a note of something that is not here, beside a plain file.
    const blob = await worker.run(['hash-object', '-w', '--stdin'], { input: 'Old\n' });
    const inner = await worker.run(['mktree'], { input: `100644 blob ${blob}\t${first.slice(2)}\n` });
    const stray = await worker.run(['mktree'], {
      input: `040000 tree ${inner}\t${first.slice(0, 2)}\n100644 blob ${blob}\t${'f'.repeat(40)}\n100644 blob ${blob}\tREADME\n`,
    });
    const note = await worker.run(['commit-tree', '-m', 'Folders', stray]);
    await worker.run(['update-ref', 'refs/notes/folders', note]);
    const lines = (await worker.run(['for-each-ref', '--format=%(refname) %(objectname)'])).split('\n');
    const refs = lines.map((line) => ({ name: line.split(' ')[0] ?? '', oid: line.split(' ')[1] ?? '' }));
    const context = contextOf(join(worker.folder, '.git'), join(folder.path, 'work'));
    const converted = await convertHistory(context, { refs });
    const fresh = new GitClient(converted.gitDir);
    expect(await fresh.run(['fsck', '--full'])).toBe('');
    const newIds = (await fresh.run(['rev-list', '--reverse', 'main'])).split('\n');
    const notes = async (ref: string, at: number) =>
      (await fresh.try(['notes', `--ref=${ref}`, 'show', newIds[at] ?? ''])).stdout;
    expect([await notes('commits', 0), await notes('commits', 1), await notes('commits', 2)]).toEqual([
      '',
      `Builds on ${first}\n`,
      'Reviewed\n',
    ]);
    expect(await notes('folders', 0)).toBe('Old\n');
    const listed = (await fresh.run(['ls-tree', '--name-only', 'refs/notes/folders'])).split('\n');
    expect(listed).toEqual(['README', newIds[0]?.slice(0, 2), 'f'.repeat(40)].sort());
    expect(await fresh.run(['rev-list', '--count', 'refs/notes/commits'])).toBe('4');
    expect(converted.notes).toEqual({ converted: 3, unknown: 1, leftOut: 0 });
    expect(converted.forecast.notesRefs).toEqual(['refs/notes/commits', 'refs/notes/folders']);
  });

  it('handles very deep folders, very long histories and very large folders', async () => {
    await using folder = await tempDir();
    const history = new Sha1History();
    const file = (content: string) => ({ mode: '100644', oid: history.add('blob', content) });
    const levels = Array.from({ length: 400 }, (_, at) => `d${at}`);
    /** A file in 400 folders. Made from the inside, because paths would be cut 400 times. */
    const deep = (content: string) =>
      levels.reduceRight(
        (inside, name) => ({ mode: '40000', oid: history.addTree(new Map([[name, inside]])) }),
        file(content),
      );
    const files = new Map(Array.from({ length: 100_000 }, (_, at) => [`file-${at}`, file(`${at % 10}`)]));
    let tip = history.addCommit(history.addTree(new Map()), [], 0, 'First\n');
    for (let number = 1; number < 3000; number++) {
      const root = new Map<string, { mode: string; oid: string }>();
      if (number > 2995) {
        files.set(`file-${number}`, file(`changed ${number}`));
        root.set('deep', deep(`${number}`)).set('many', { mode: '40000', oid: history.addTree(files) });
      }
      tip = history.addCommit(history.addTree(root), [tip], number, `Change ${number}\n`);
    }
    history.refs.set('refs/heads/main', tip);
    const { old, fresh, converted } = await convert(folder.path, history);
    expect(converted.objects.commits).toBe(3000);
    expect(await fresh.run(['rev-list', '--count', 'main'])).toBe('3000');
    const names = ['ls-tree', '-r', '--name-only', 'main'];
    expect(await fresh.run(names)).toBe(await old.run(names));
    expect(await fresh.run(['show', `main:deep/${levels.join('/')}`])).toBe('2999');
    expect(await fresh.run(['rev-list', '--objects', '--all', '--quiet'])).toBe('');
  });

  it('ends with the reason of an abort, and can continue in the same folder', async () => {
    await using folder = await tempDir();
    const history = randomSha1History(new SeededRandom(7), 60);
    await mkdir(join(folder.path, 'old.git'));
    const old = await history.write(join(folder.path, 'old.git'));
    const controller = new AbortController();
    const reason = new Error('enough');
    const observer = {
      began: (step: string) => step === 'index trees' && controller.abort(reason),
      advanced: () => undefined,
    };
    const context = contextOf(old.folder, join(folder.path, 'work'), { signal: controller.signal, observer });
    await expect(convertHistory(context, { refs: history.list() })).rejects.toBe(reason);
    expect(git.running).toBe(0);
    const steps: string[] = [];
    const again = { began: (step: string) => steps.push(step), advanced: () => undefined };
    await convertHistory(contextOf(old.folder, context.folder, { observer: again }), {
      refs: history.list(),
    });
    expect(steps).toEqual(['index trees', 'commits', 'index commits', 'notes', 'refs']);
    // Another conversion in the same folder begins anew.
    const fewer = history.list().filter(({ name }) => name === 'refs/heads/main');
    const other = await convertHistory(contextOf(old.folder, context.folder), {
      refs: fewer,
      originNotes: false,
    });
    expect(other.refs.map(({ name }) => name)).toEqual(['refs/heads/main']);
  });

  it('renames replace refs to the new ids, and handles a history with one empty tree', async () => {
    await using folder = await tempDir();
    const history = new Sha1History();
    const tree = history.addTree(new Map());
    const first = history.addCommit(tree, [], 1, 'First');
    history.refs.set('refs/heads/main', first);
    history.refs.set(`refs/replace/${first}`, history.addCommit(tree, [], 1, 'Better\n'));
    const { fresh, converted } = await convert(folder.path, history);
    expect(converted.renamedRefs).toBe(1);
    const main = await fresh.oidOf('main');
    expect(await fresh.run(['log', '-1', '--format=%B', 'main'])).toBe('Better\n');
    expect(refsOf(converted).has(`refs/replace/${main}`)).toBe(true);
  });

  it('handles refs to notes, files and folders only, and notes that share commits', async () => {
    await using folder = await tempDir();
    const history = new Sha1History();
    const blob = { mode: '100644', oid: history.add('blob', 'text\n') };
    const tree = (name: string) => history.addTree(new Map([[name, blob]]));
    const base = history.addCommit(tree('a'.repeat(40)), [], 1, 'Notes\n');
    history.refs.set('refs/notes/base', base);
    history.refs.set('refs/notes/more', history.addCommit(tree('b'.repeat(40)), [base], 2, `See ${base}\n`));
    await mkdir(join(folder.path, 'notes'));
    const { fresh, converted } = await convert(join(folder.path, 'notes'), history);
    expect(await fresh.run(['fsck', '--full'])).toBe('');
    expect(await fresh.run(['rev-list', '--count', 'refs/notes/more'])).toBe('2');
    expect(await fresh.run(['rev-parse', 'refs/notes/more~1'])).toBe(
      refsOf(converted).get('refs/notes/base'),
    );
    expect([...refsOf(converted).keys()]).toEqual(['refs/notes/base', 'refs/notes/more']);
    expect(converted.notes).toEqual({ converted: 0, unknown: 2, leftOut: 0 });
    expect(converted.head).toBeUndefined();

    const things = new Sha1History();
    things.refs.set('refs/tags/file', things.add('blob', ''));
    things.refs.set('refs/tags/folder', things.addTree(new Map()));
    await mkdir(join(folder.path, 'things'));
    const other = await convert(join(folder.path, 'things'), things);
    expect(await other.fresh.run(['cat-file', '-t', 'refs/tags/folder'])).toBe('tree');
    expect(other.converted.objects).toEqual({ blobs: 1, trees: 1, commits: 0, tags: 0 });
    expect([...refsOf(other.converted).keys()]).toEqual(['refs/tags/file', 'refs/tags/folder']);
  });

  it('names objects that git refuses by their old ids', async () => {
    await using folder = await tempDir();
    const history = new Sha1History();
    const blob = history.add('blob', 'text\n');
    const entry = (name: string) =>
      Buffer.concat([Buffer.from(`100644 ${name}\0`), Buffer.from(blob, 'hex')]);
    const tree = history.add('tree', Buffer.concat([entry('b'), entry('a')]));
    history.refs.set('refs/heads/main', history.addCommit(tree, [], 1, 'Not sorted\n'));
    await expect(convert(folder.path, history)).rejects.toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining(`object ${tree}: treeNotSorted`) as string,
    });
  });

  it('names a ref to a missing object', async () => {
    await using folder = await tempDir();
    const history = new Sha1History();
    history.refs.set('refs/heads/main', history.addCommit(history.addTree(new Map()), [], 1, 'First\n'));
    await mkdir(join(folder.path, 'old.git'));
    const old = await history.write(join(folder.path, 'old.git'));
    const refs = [...history.list(), { name: 'refs/heads/gone', oid: '1'.repeat(40) }];
    await expect(
      convertHistory(contextOf(old.folder, join(folder.path, 'work')), { refs }),
    ).rejects.toMatchObject({
      kind: 'not-found',
      message: `the source has a ref to ${'1'.repeat(40)}, but no such object`,
    });
  });
});
