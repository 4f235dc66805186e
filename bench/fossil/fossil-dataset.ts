import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { generatorVersion, type HistoryShape, textHistory } from '../generate.ts';
import { fossil } from './fossil-program.ts';

export type FossilDatasetName = 'project' | 'large-project';

/** A generated Fossil repository, as one file of the stock program. */
export interface FossilDataset {
  readonly path: string;
  readonly artifacts: number;
  readonly projectCode: string;
}

const shapes: Record<FossilDatasetName, HistoryShape> = {
  /** 4,423 artifacts. */
  project: { seed: 6, files: 300, commits: 1_000, branches: 20, tags: 50 },
  /** 100,311 artifacts. */
  'large-project': { seed: 6, files: 300, commits: 25_000, branches: 20, tags: 50 },
};

/**
 * The repository called `name`, imported by the stock program on the first call (the large one takes minutes) and kept
 * under `folder` for later runs. It is made at `unfinished`, on the same file system, and moved when whole.
 */
export async function generateFossil(
  folder: string,
  name: FossilDatasetName,
  unfinished: string,
): Promise<FossilDataset> {
  const path = join(folder, `generated-${generatorVersion}`, `${name}.fossil`);
  const home = join(folder, 'fossil-home');
  if (!existsSync(path)) {
    await mkdir(dirname(path), { recursive: true });
    await fossil(home, ['import', '--git', unfinished], { input: withoutDone(textHistory(shapes[name])) });
    await rename(unfinished, path);
  }
  const ask = async (question: string) =>
    (await fossil(home, ['sql', '-R', path, question])).stdout.trim().replaceAll("'", '');
  return {
    path,
    artifacts: Number(await ask('SELECT count(*) FROM blob WHERE size >= 0')),
    projectCode: await ask("SELECT value FROM config WHERE name = 'project-code'"),
  };
}

/** `fossil import` does not know the command that ends a stream of git's. */
function* withoutDone(stream: Iterable<string>): Generator<string> {
  for (const text of stream) if (text !== 'done\n') yield text;
}
