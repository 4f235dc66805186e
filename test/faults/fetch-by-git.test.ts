/** What a source may do to the git that fetches from it: be silent, talk without end, fill the disk. */
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Git } from '../../src/git-process/git.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { CairnError } from '../../src/lib/errors.ts';
import { type FetchedSourceOptions, openFetchedSource } from '../../src/mirror/run/fetched-source.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

const OID = '1'.repeat(40);
const URL = 'git://example.com/repository';
const { signal } = new AbortController();

let folder: TempDir;
let git: Git;

beforeEach(async () => {
  folder = await tempDir('fetch-by-git');
  git = new Git({ binary: 'git', home: folder.path });
});

afterEach(async () => {
  await git.close();
  await folder[Symbol.asyncDispose]();
});

/** A git that lists refs and fetches by shell commands. The folder to fetch into is `$dir`. */
async function script(list: string, fetch = 'true'): Promise<string> {
  const path = join(folder.path, 'git-script');
  const cases = [`*ls-remote*) ${list} ;;`, `*) dir=\${1#--git-dir=}; ${fetch} ;;`];
  await writeFile(path, ['#!/bin/sh', 'case "$*" in', ...cases, 'esac', ''].join('\n'));
  await chmod(path, 0o700);
  return path;
}

const LIST = `printf '${OID}\\trefs/heads/main\\n'`;

async function failure(program: string, more: Partial<FetchedSourceOptions> = {}): Promise<CairnError> {
  const options = {
    ...{ address: URL, shown: URL, git: program, environment: process.env, clock: systemClock, signal },
    ...{ redact: (text: string) => text, scratch: { git, folder: folder.path }, prefixes: ['refs/'] },
    ...more,
  };
  try {
    await using source = await openFetchedSource(options);
    await source.fetch({ wants: [OID], haves: [], progress: true, includeTag: false }, { signal });
  } catch (error) {
    expect(error).toBeInstanceOf(CairnError);
    return error as CairnError;
  }
  throw new Error('it did not fail');
}

it('a source that lists nothing for long is given up', async () => {
  const error = await failure(await script('sleep 60'), { waitingTimes: { advertisement: 200 } });
  expect(error.message).toContain(`${URL}: nothing has moved for 0.2 s`);
});

it('a source that sends nothing for long is given up', async () => {
  const error = await failure(await script(LIST, 'sleep 60'), { waitingTimes: { silence: 200 } });
  expect(error.message).toContain('nothing has moved for 0.2 s');
});

it('what git writes is no silence', async () => {
  const pack = '"$dir/objects/pack/tmp_pack_x"';
  const grow = `for i in 1 2 3 4 5 6 7 8 9; do echo more >> ${pack}; sleep 0.3; done; echo 'fatal: over' >&2; exit 1`;
  const error = await failure(await script(LIST, grow), { waitingTimes: { silence: 2_000 } });
  expect(error.message).toContain('over');
});

it('a source that talks without end is given up', async () => {
  const talk = `yes "$(head -c 4000 /dev/zero | tr '\\0' x)" >&2`;
  const error = await failure(await script(LIST, talk));
  expect(error.kind).toBe('too-large');
  expect(error.message).toContain('says more than 64 MiB of text');
});

it('a fetch ends before the disk is full, and when its pack is too long', async () => {
  const full = await failure(await script(LIST, 'sleep 60'), { leastLeft: Number.MAX_SAFE_INTEGER });
  expect(full.kind).toBe('unavailable');
  expect(full.message).toContain('the disk of the folder for temporary files has less than');
  const write = 'head -c 5000 /dev/zero > "$dir/objects/pack/tmp_pack_x"; sleep 60';
  const long = await failure(await script(LIST, write), { maxPackBytes: 4_000 });
  expect(long.kind).toBe('too-large');
});
