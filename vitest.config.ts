import { configDefaults, defineConfig } from 'vitest/config';
import { SkipReporter } from './test/helpers/skip-reporter.ts';

const unit = (...folders: readonly string[]) => folders.map((folder) => `test/unit/${folder}/**/*.test.ts`);

/** Tests of what only computes. */
const PURE = unit('fossil', 'git', 'lib', 'nostr', 'policy');

/**
 * Tests of single files. Like those above they share a process with others: nothing that they load keeps anything between
 * files, and loading it once for all takes half of the time. Tests that measure the process, or share a server between files,
 * have a process of their own for each file.
 */
const UNIT = unit(
  'browse',
  'cli',
  'config',
  'fossil-sync',
  'http',
  'maintenance',
  'mirror',
  'outbound',
  'relay',
  'repository',
  'server',
  'transfer',
  'web',
);

export default defineConfig({
  oxc: { target: 'es2023' },
  test: {
    projects: [
      { extends: true, test: { name: 'pure', include: PURE, isolate: false } },
      { extends: true, test: { name: 'unit', include: UNIT, isolate: false } },
      {
        extends: true,
        test: {
          name: 'all',
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...PURE, ...UNIT],
        },
      },
    ],
    globalSetup: ['test/helpers/build-once.ts'],
    setupFiles: ['test/helpers/no-leftovers.ts'],
    // Long enough for a dozen processes one after the other, on a machine that is busy with other tests.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // A second, the default, is not long on a machine that runs other tests beside.
    expect: { poll: { timeout: 20_000 } },
    pool: 'forks',
    maxWorkers: 3,
    reporters: ['default', new SkipReporter(), ['json', { outputFile: '.test-report.json' }]],
  },
});
