/**
 * The second half of the build: joins the modules that the compiler has made into few files, because a thousand small ones take
 * longer to load than what most commands do (decision 68). Packages stay outside, in `node_modules/`, but for zod.
 */
import { chmod, cp, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Where the compiler puts its modules, and what is made of them. */
const MODULES = 'build/modules';
const DIST = 'dist';

/** What is run or imported from outside. Each keeps its place, and so do relative addresses of what lies beside it. */
const ENTRIES = {
  main: 'main.js',
  'render-worker': 'web/render/render-worker.js',
  'zstandard-worker': 'browse/downloads/zstandard/zstandard-worker.js',
  'library/fossil': 'library/fossil.js',
  'library/index': 'library/index.js',
};

/** Packages that are joined, too: most of the 95 modules of zod are not used. Their licences come along. */
const JOINED_PACKAGES = ['zod'];

/** Packages are named by their name, modules of Cairn by their place. */
function isOutside(id) {
  if (!/^(node:)?[a-z@]/.test(id) || id.startsWith('@oxc-project/')) return false;
  return !JOINED_PACKAGES.includes(id);
}

/** Passes on the source maps of the compiler: positions in `dist/` are those in `src/`. */
const sourceMaps = {
  name: 'source-maps',
  async load(id) {
    if (!id.startsWith(join(process.cwd(), MODULES))) return undefined;
    return { code: await readFile(id, 'utf8'), map: await readFile(`${id}.map`, 'utf8') };
  },
};

/** @returns the paths of the files it has written */
async function joinModules() {
  const { rolldown } = await import('rolldown');
  const bundle = await rolldown({
    input: Object.fromEntries(Object.entries(ENTRIES).map(([name, file]) => [name, join(MODULES, file)])),
    platform: 'node',
    external: isOutside,
    tsconfig: false,
    plugins: [sourceMaps],
    checks: { bundlerTimings: false },
  });
  const { output } = await bundle.write({
    dir: DIST,
    sourcemap: true,
    sourcemapExcludeSources: true,
    chunkFileNames: '[name].js',
  });
  await bundle.close();
  for (const name of JOINED_PACKAGES)
    await cp(`node_modules/${name}/LICENSE`, `${DIST}/licenses/${name}.txt`);
  return output.map(({ fileName }) => join(DIST, fileName));
}

/** @returns the paths of the files it has written */
async function copyModules() {
  await cp(MODULES, DIST, { recursive: true });
  return (await programsIn(MODULES)).map((path) => join(DIST, path.slice(MODULES.length)));
}

async function programsIn(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter(({ name }) => /\.js(\.map)?$/.test(name))
    .map(({ path, parentPath = path, name }) => join(parentPath, name));
}

/** What joins needs a newer Node.js than Cairn does. */
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const canJoin = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22;
const written = new Set(await (canJoin ? joinModules() : copyModules()));
// Programs of earlier builds are removed last: a server that runs from this folder loads parts of itself later.
for (const path of await programsIn(DIST)) if (!written.has(path)) await rm(path);
await chmod(join(DIST, 'main.js'), 0o755);
