import { configDefaults, defineConfig } from 'vitest/config';
import { SkipReporter } from './test/helpers/skip-reporter.ts';

const unit = (...folders: readonly string[]) => folders.map((folder) => `test/unit/${folder}/**/*.test.ts`);

/** Tests of what only computes. */
const PURE = unit('fossil', 'git', 'lib', 'nostr', 'policy');

/** Tests of single files, and of the source as a whole. */
const UNIT = [
  'test/architecture/**/*.test.ts',
  ...unit(
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
  ),
];

/** Tests that measure the memory or count the open files of their process, which others would change, or that replace a module of Node. */
const ALONE = [
  'test/faults/event-contents-full-disk.test.ts',
  'test/faults/leave-in-the-middle.test.ts',
  'test/integration/relay-socket.test.ts',
];

const R2 = 'test/helpers/start-r2-once.ts';

/**
 * Test files share processes: loading a whole server takes longer than many a file, and nothing that is loaded keeps anything
 * between files. Files that cannot share one are listed above, with the reason.
 */
export default defineConfig({
  oxc: { target: 'es2023' },
  test: {
    projects: [
      { extends: true, test: { name: 'pure', include: PURE, isolate: false } },
      { extends: true, test: { name: 'unit', include: UNIT, isolate: false } },
      { extends: true, test: { name: 'alone', include: ALONE, isolate: true } },
      {
        extends: true,
        test: {
          name: 'rest',
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...PURE, ...UNIT, ...ALONE],
          isolate: false,
          globalSetup: [R2],
        },
      },
    ],
    globalSetup: ['test/helpers/build-once.ts', 'test/helpers/scratch-in-memory.ts'],
    setupFiles: ['test/helpers/no-leftovers.ts', 'test/helpers/compare-bytes.ts'],
    // Long enough for a dozen processes one after the other, on a machine that is busy with other tests.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // A second, the default, is not long on a machine that runs other tests beside.
    expect: { poll: { timeout: 20_000 } },
    pool: 'forks',
    // A warning of Node's says where it comes from.
    execArgv: ['--trace-warnings'],
    // More than there are processors, of which CI has two: a third of the time of tests goes into waiting.
    maxWorkers: 4,
    // The projects transform the same source; and most of it is as it was in the last run.
    experimental: { fsModuleCache: true },
    reporters: ['default', new SkipReporter(), ['json', { outputFile: '.test-report.json' }]],
  },
});
