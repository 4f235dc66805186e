import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Git } from '../../../src/git-process/git.ts';
import { readAllObjects } from '../../../src/git-process/read-all-objects.ts';
import { GitClient } from '../../helpers/git-client.ts';
import { absentId, objectId, type RawObject } from '../../helpers/raw-git.ts';
import { type TempDir, tempDir } from '../../helpers/temp-dir.ts';

let folder: TempDir;
let git: Git;
let gitDir: string;
const objects: RawObject[] = [];

beforeAll(async () => {
  folder = await tempDir('cairn-read-all');
  git = new Git({ binary: 'git', home: folder.path });
  const repository = await new GitClient(folder.path).init('objects');
  gitDir = `${repository.folder}/.git`;
  // Empty, short, longer than a pipe holds, and with line feeds where a header could be.
  for (const length of [0, 1, 100, 70_000, 300_000]) {
    objects.push({ type: 'blob', content: Buffer.alloc(length, `blob 5\n${length}\n`) });
  }
  for (const { content } of objects)
    await repository.run(['hash-object', '-w', '--stdin'], { input: content });
});

afterAll(async () => {
  await git.close();
  await folder[Symbol.asyncDispose]();
});

function read(oids: readonly string[], maxSize = 1_000_000) {
  const { signal } = new AbortController();
  const taken: [string, string | undefined][] = [];
  const paths = { gitDir, objects: `${gitDir}/objects` };
  return readAllObjects({ git, paths, maxSize, signal }, oids, (oid, content) =>
    taken.push([oid, content?.toString('hex')]),
  ).then(() => taken);
}

describe('many objects at once', () => {
  it('are returned whole, in the requested order, repetitions included', async () => {
    const asked = Array.from({ length: 3_000 }, (_, at) => objects[at % (objects.length - 1)] ?? objects[0]);
    asked.push(...objects);
    const expected = asked.map((object) =>
      object === undefined ? [] : [objectId(object), Buffer.from(object.content).toString('hex')],
    );
    expect(await read(expected.map(([oid = '']) => oid))).toEqual(expected);
  });

  it('are reported missing', async () => {
    const [first] = objects;
    if (first === undefined) throw new Error('no objects');
    expect(await read([absentId(), objectId(first), absentId()])).toEqual([
      [absentId(), undefined],
      [objectId(first), ''],
      [absentId(), undefined],
    ]);
  });

  it('are none if none were requested', async () => {
    expect(await read([])).toEqual([]);
  });

  it('are refused by size before they are in memory', async () => {
    await expect(
      read(
        objects.map((object) => objectId(object)),
        70_000,
      ),
    ).rejects.toMatchObject({ kind: 'too-large' });
  });
});
