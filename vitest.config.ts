import { configDefaults, defineConfig } from 'vitest/config';
import { SkipReporter } from './test/helpers/skip-reporter.ts';

/** Tests of what only computes. They run in one process after another: nothing they load keeps anything between files. */
const PURE = ['git', 'lib', 'nostr', 'policy'].map((folder) => `test/unit/${folder}/**/*.test.ts`);

export default defineConfig({
  oxc: { target: 'es2023' },
  test: {
    projects: [
      { extends: true, test: { name: 'pure', include: PURE, isolate: false } },
      {
        extends: true,
        test: { name: 'all', include: ['test/**/*.test.ts'], exclude: [...configDefaults.exclude, ...PURE] },
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
