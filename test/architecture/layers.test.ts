import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT, readText, type SourceFile, sourceFiles } from './source-tree.ts';

/** Which row a folder of `src/` is in. A file that lies in `src/` itself is in the top row. */
const ROWS: Readonly<Record<string, number>> = {
  '': 6,
  server: 6,
  cli: 6,
  library: 6,
  config: 6,
  http: 5,
  web: 5,
  transfer: 4,
  browse: 4,
  relay: 4,
  mirror: 4,
  'fossil-sync': 4,
  sessions: 4,
  maintenance: 4,
  repository: 3,
  policy: 3,
  'object-store': 2,
  'git-process': 2,
  outbound: 2,
  git: 1,
  nostr: 1,
  fossil: 1,
  lib: 0,
  observability: 0,
};

/** What a folder never imports although its row would allow it. */
const FORBIDDEN: Readonly<Record<string, readonly string[]>> = {
  'object-store': ['git', 'nostr'],
  // But for the folder named below.
  repository: ['nostr', 'git-process'],
  policy: ['object-store', 'git-process'],
  config: ['http', 'web', 'transfer', 'repository', 'policy', 'git', 'nostr'],
};

/** The only part of `repository/` that runs git: it checks packs before they are stored. */
const RUNS_GIT = 'src/repository/intake/';

/** The only folders outside `config/` that know settings: those that put a process together. */
const READS_CONFIG = new Set(['cli', 'server']);

/** Folders that only compute: facts in, values out. */
const PURE = ['git', 'nostr', 'policy', 'fossil'];
const PURE_BUILTINS = new Set(['node:buffer', 'node:util']);

/** Fossil's names are hashes, and its messages and payloads are compressed: it computes with these as well. */
const FOSSIL_BUILTINS = new Set(['node:crypto', 'node:zlib']);

/** The one home of each package Cairn depends on; zod goes where foreign data is checked. */
const PACKAGE_HOMES: Readonly<Record<string, readonly string[]>> = {
  '@aws-sdk/client-s3': ['object-store'],
  '@hono/node-server': ['http'],
  '@hpcc-js/wasm-zstd': ['browse'],
  '@smithy/node-http-handler': ['object-store'],
  commander: ['cli'],
  execa: ['cli', 'git-process'],
  'highlight.js': ['web'],
  hono: ['http', 'web'],
  'markdown-it': ['web'],
  'nostr-tools': ['nostr'],
  'nostr-wasm': ['nostr'],
  pino: ['observability'],
  'prom-client': ['observability'],
  'sanitize-html': ['web'],
  'tmp-promise': ['cli', 'maintenance'],
  ws: ['cli', 'http'],
  zod: ['config', 'mirror', 'object-store', 'relay', 'repository', 'sessions', 'web'],
};

/** Time and chance are arguments (`lib/clock.ts`, `lib/random.ts`). Each exception has its reason. */
const TIME_AND_CHANCE =
  /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\brandomBytes\(|\brandomUUID\(|\bperformance\.now\(/;
const MAY_LOOK_AT_THE_CLOCK: Readonly<Record<string, string>> = {
  'src/lib/clock.ts': 'the clock',
  'src/lib/random.ts': 'the random',
  'src/lib/cooperative.ts':
    'measures how long others have waited; nothing but whose turn it is follows from it',
  'src/git-process/git.ts': 'measures how long a process ran, for a metric; nothing is decided by it',
  'src/object-store/s3/watched-agent.ts':
    'ages connections, whose other end closes them by the same real time',
  'src/object-store/with-metrics.ts':
    'measures how long a request took, for a metric; nothing is decided by it',
  'src/http/server.ts':
    'measures how long a request took, for a metric and the log; nothing is decided by it',
};

const LONGEST_FILE = 400;

const files = sourceFiles();
const paths = new Set(files.map((file) => file.path));

it('the architecture page lists every folder in its row', () => {
  const page = readText('docs/explanation/architecture.md');
  const drawn = [...page.matchAll(/^ {4}([0-6]) {2}((?:[a-z-]+ · )*[a-z-]+) {2,}\S/gm)].flatMap(
    ([, row = '', folders = '']) => folders.split(' · ').map((folder) => [folder, Number(row)]),
  );
  const expected = Object.entries(ROWS).map(([folder, row]) => [folder === '' ? 'main' : folder, row]);
  expect(Object.fromEntries(drawn)).toEqual(Object.fromEntries(expected));
  for (const folder of Object.keys(ROWS)) {
    if (folder !== '') expect(page, folder).toContain(`| \`${folder}/\` |`);
  }
});

describe('layers', () => {
  it('include every folder of src/', () => {
    const unknown = files.filter((file) => ROWS[file.folder] === undefined);
    expect(unknown.map((file) => file.path)).toEqual([]);
  });

  it('imports point down, never up and never to a neighbour', () => {
    const wrong = crossings((from, to) => {
      const [upper = 0, lower = 0] = [ROWS[from.folder], ROWS[to.folder]];
      const topRow = upper === 6 && lower === 6;
      return upper <= lower && !topRow ? `row ${upper} imports row ${lower}` : undefined;
    });
    expect(wrong).toEqual([]);
  });

  it('folders do not import what they must not know', () => {
    const wrong = crossings((from, to) => {
      if (to.folder === 'git-process' && from.path.startsWith(RUNS_GIT)) return undefined;
      return FORBIDDEN[from.folder]?.includes(to.folder) ? `${from.folder}/ knows ${to.folder}/` : undefined;
    });
    expect(wrong).toEqual([]);
  });

  it('only the command line and server/ read settings', () => {
    const wrong = crossings((from, to) =>
      to.folder === 'config' && !READS_CONFIG.has(from.folder) ? 'reads the configuration' : undefined,
    );
    expect(wrong).toEqual([]);
  });

  it('files do not import one another in a circle', () => {
    expect(findCycle(new Map(files.map((file) => [file.path, relativeImports(file)])))).toBeUndefined();
  });

  it('every relative import names an existing file with its extension', () => {
    const wrong = files.flatMap((file) =>
      file.imports
        .filter(
          ({ file: target, specifier }) =>
            target !== undefined && !(specifier.endsWith('.ts') && paths.has(target)),
        )
        .map(({ specifier }) => `${file.path} → ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });

  it('a folder with an index is imported through it', () => {
    const wrong = crossings((from, to) => {
      const door = `src/${to.folder}/index.ts`;
      if (!paths.has(door) || to.path === door || isFence(from, to)) return undefined;
      return `enters ${to.folder}/ by another door`;
    });
    expect(wrong).toEqual([]);
  });
});

describe('the commit proof', () => {
  it('is made only by the value of a successful publish', () => {
    const minters = files.filter((file) => /\bmintCommitProof\b/.test(file.code)).map((file) => file.path);
    expect(minters).toEqual(['src/git/commit-proof.ts', 'src/repository/committed.ts']);
  });

  it('that value is made only by the publisher', () => {
    const makers = files.filter(
      (file) => /\bcommitted\(/.test(file.code) && imports(file, 'src/repository/committed.ts'),
    );
    expect(makers.map((file) => file.path)).toEqual(['src/repository/publisher.ts']);
  });
});

describe('what code may use', () => {
  it('vocabularies and policies do no input or output', () => {
    const wrong = files
      .filter((file) => PURE.includes(file.folder))
      .flatMap((file) =>
        file.imports
          .filter(
            ({ specifier }) =>
              specifier.startsWith('node:') &&
              !PURE_BUILTINS.has(specifier) &&
              !(file.folder === 'fossil' && FOSSIL_BUILTINS.has(specifier)),
          )
          .map(({ specifier }) => `${file.path} → ${specifier}`),
      );
    expect(wrong).toEqual([]);
  });

  it('every package is a declared dependency, and is used in its home folder', () => {
    const wrong: string[] = [];
    const used = new Set<string>();
    for (const file of files) {
      for (const name of packagesOf(file)) {
        used.add(name);
        if (PACKAGE_HOMES[name]?.includes(file.folder) !== true) wrong.push(`${file.path} → ${name}`);
      }
    }
    expect(wrong).toEqual([]);
    const declared = (JSON.parse(readText('package.json')) as { dependencies: Record<string, string> })
      .dependencies;
    expect([...used].sort()).toEqual(Object.keys(declared).sort());
  });

  it('time and randomness are arguments', () => {
    const wrong = files
      .filter((file) => TIME_AND_CHANCE.test(file.code) && MAY_LOOK_AT_THE_CLOCK[file.path] === undefined)
      .map((file) => `${file.path}: ${TIME_AND_CHANCE.exec(file.code)?.[0]}`);
    expect(wrong).toEqual([]);
    const needless = Object.keys(MAY_LOOK_AT_THE_CLOCK).filter(
      (path) => !files.some((file) => file.path === path && TIME_AND_CHANCE.test(file.code)),
    );
    expect(needless).toEqual([]);
  });

  it('folders are made by lib/make-folder.ts, which ends where Node’s recursive mkdir does not (issue 11, point 25)', () => {
    const wrong = files
      .filter((file) => /\bmkdir(?:Sync)?\([^;]*\brecursive\b/.test(file.code))
      .map((file) => file.path);
    expect(wrong).toEqual([]);
  });

  it('no catch block swallows an error', () => {
    const wrong = files
      .filter((file) => /\bcatch\s*(\([^)]*\)\s*)?\{\s*\}/.test(file.text))
      .map((file) => file.path);
    expect(wrong).toEqual([]);
  });
});

describe('size', () => {
  it(`no source file is longer than ${LONGEST_FILE} lines`, () => {
    const long = files
      .map((file) => ({ path: file.path, lines: file.text.split('\n').length - 1 }))
      .filter(({ lines }) => lines > LONGEST_FILE);
    expect(long).toEqual([]);
  });

  it('tests mirror the paths of what they test', () => {
    expect(unitFolders().filter((folder) => !existsSync(join(ROOT, 'src', folder)))).toEqual([]);
  });
});

describe('the checks of this file', () => {
  it('find a circle', () => {
    const graph = new Map([
      ['a', ['b']],
      ['b', ['c']],
      ['c', ['a']],
    ]);
    expect(findCycle(graph)).toEqual(['a', 'b', 'c', 'a']);
  });

  it('read imports of every form, and none out of a comment', () => {
    const app = files.find((file) => file.path === 'src/server/app.ts');
    expect(app?.imports.map(({ specifier }) => specifier)).toEqual(
      expect.arrayContaining(['../lib/clock.ts', './open-http.ts']),
    );
    expect(files.find((file) => file.path === 'src/git/index.ts')?.imports.length).toBeGreaterThan(10);
  });
});

/** Every import between two folders that `judge` objects to, as text. */
function crossings(judge: (from: SourceFile, to: SourceFile) => string | undefined): string[] {
  const found: string[] = [];
  for (const from of files) {
    for (const target of relativeImports(from)) {
      const to = files.find((file) => file.path === target);
      if (to === undefined || to.folder === from.folder) continue;
      const objection = judge(from, to);
      if (objection !== undefined) found.push(`${from.path} → ${to.path}: ${objection}`);
    }
  }
  return found;
}

function isFence(from: SourceFile, to: SourceFile): boolean {
  return from.path === 'src/repository/committed.ts' && to.path === 'src/git/commit-proof.ts';
}

function relativeImports(file: SourceFile): string[] {
  return file.imports.flatMap(({ file: target }) => (target === undefined ? [] : [target]));
}

function imports(file: SourceFile, target: string): boolean {
  return relativeImports(file).includes(target);
}

/** Names of the packages a file imports: `@scope/name` or `name`, without what follows. */
function packagesOf(file: SourceFile): string[] {
  return file.imports
    .filter(({ specifier, file: target }) => target === undefined && !specifier.startsWith('node:'))
    .map(({ specifier }) =>
      specifier
        .split('/')
        .slice(0, specifier.startsWith('@') ? 2 : 1)
        .join('/'),
    );
}

/** A path that leads back to where it began, or undefined when there is none. */
function findCycle(graph: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>();
  const walk = (node: string, trail: readonly string[]): string[] | undefined => {
    const seen = trail.indexOf(node);
    if (seen !== -1) return [...trail.slice(seen), node];
    if (done.has(node)) return undefined;
    for (const next of graph.get(node) ?? []) {
      const cycle = walk(next, [...trail, node]);
      if (cycle !== undefined) return cycle;
    }
    done.add(node);
    return undefined;
  };
  for (const node of graph.keys()) {
    const cycle = walk(node, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

/** Folders of `test/unit` that mirror one of `src/`; the benchmark lies outside. */
function unitFolders(): string[] {
  const entries = readdirSync(join(ROOT, 'test', 'unit'), { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory() && entry.name !== 'bench').map((entry) => entry.name);
}
