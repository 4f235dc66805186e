import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TempDir extends AsyncDisposable {
  readonly path: string;
}

/** A folder of a test's own; `await using` removes it with everything in it. */
export async function tempDir(name = 'cairn-test'): Promise<TempDir> {
  const path = await mkdtemp(join(tmpdir(), `${name}-`));
  return {
    path,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 3 }),
  };
}
