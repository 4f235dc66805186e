import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CairnError } from '../../src/lib/errors.ts';
import type { DatasetName } from '../generate.ts';
import { git } from '../git-client.ts';
import { projectRoot } from '../paths.ts';
import { run } from '../processes.ts';
import type { RowGroup, Values } from './row.ts';

/** 96 MB. */
const MOST_MEMORY = 91;

/**
 * All refs of one repository behind `git http-backend` into a new one beside it: `cairn mirror replicate` against `git clone --mirror`
 * and `git push --mirror`. Both ends are the reference's, so that only what is between them differs.
 */
export function mirrorBetweenHosts(name: DatasetName): RowGroup {
  return {
    rows: [
      { name: `mirror-${name}/http-backend`, unit: 's', value: 'wall', goal: 0.5 },
      {
        name: `mirror-${name}-rss/http-backend`,
        unit: 'MiB',
        value: 'memory',
        alone: true,
        worst: true,
        goal: MOST_MEMORY,
      },
    ],
    runs: 3,
    warmUps: 1,
    async prepare(stage) {
      const { cairn, reference } = await stage.freshHosts('file', 'cgid');
      await cairn.stop();
      const dataset = await stage.dataset(name);
      const source = await reference.add('source', dataset);
      return {
        cairn: async (at): Promise<Values> => {
          const target = await reference.create(`relayed-${at}`);
          const flags = ['--all-refs', '--json', '--measure'];
          const { stdout, seconds } = await run(join(projectRoot(), 'dist/main.js'), [
            'mirror',
            'replicate',
            source,
            target,
            ...flags,
          ]);
          await mustBeEqual(source, target);
          return { wall: seconds, memory: memoryIn(stdout) };
        },
        reference: async (at): Promise<Values> => {
          const target = await reference.create(`pushed-${at}`);
          const copy = stage.scratch('mirror');
          const clone = await git(['clone', '--quiet', '--mirror', source, copy]);
          const push = await git(['-C', copy, 'push', '--quiet', '--mirror', target]);
          await rm(copy, { recursive: true, force: true });
          return { wall: clone.seconds + push.seconds };
        },
        close: () => reference.stop(),
      };
    },
  };
}

function memoryIn(json: string): number {
  const { measurement } = JSON.parse(json) as { readonly measurement: { readonly peakMemoryBytes: number } };
  return measurement.peakMemoryBytes;
}

async function mustBeEqual(source: string, target: string): Promise<void> {
  const [here, there] = await Promise.all([source, target].map((url) => git(['ls-remote', url, 'refs/*'])));
  if (here?.stdout !== there?.stdout)
    throw new CairnError('corrupt', 'the mirror does not have the refs of the source');
}
