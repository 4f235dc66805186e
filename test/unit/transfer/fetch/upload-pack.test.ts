import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Git } from '../../../../src/git-process/git.ts';
import { CairnError } from '../../../../src/lib/errors.ts';
import { runUploadPack } from '../../../../src/transfer/fetch/upload-pack.ts';
import { RequestBody } from '../../../../src/transfer/request-body.ts';
import { gitScript } from '../../../helpers/git-script.ts';
import { type TempDir, tempDir } from '../../../helpers/temp-dir.ts';

let folder: TempDir;

beforeAll(async () => {
  folder = await tempDir('cairn-upload-pack');
});

afterAll(() => folder[Symbol.asyncDispose]());

async function* bodyOf(isOver: boolean): AsyncGenerator<Buffer> {
  yield Buffer.from('0000');
  // A client that sends nothing more, and stays.
  if (!isOver) await new Promise(() => undefined);
}

it('git has ended when its output can be sent to nobody any more', async () => {
  // It has begun to answer, and works on for long: it would notice only when it has more to say.
  const binary = await gitScript(join(folder.path, 'git'), "printf '0008NAK\\n'; exec sleep 60");
  const git = new Git({ binary, home: folder.path });
  const full = new CairnError('busy', 'there is no space to keep the rest');
  const run = async (isOver: boolean, write: () => Promise<boolean>) => {
    const body = new RequestBody(bodyOf(isOver));
    const about = { gitDir: '/nowhere', objects: 1, version: 2 as const, body, output: { write } };
    return runUploadPack(git, { ...about, signal: new AbortController().signal });
  };
  await expect(run(false, () => Promise.reject(full))).rejects.toBe(full);
  expect(git.running).toBe(0);
  expect(await run(true, () => Promise.resolve(false))).toEqual({ end: 'whole' });
  expect(git.running).toBe(0);
});
