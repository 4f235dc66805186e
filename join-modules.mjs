/**
 * The second half of the build: joins the modules that the compiler has made into few files, because a thousand small ones take
 * longer to load than what most commands do (decision 68). Most packages stay outside, in `node_modules/`.
 */
import { chmod, cp, readdir, readFile, rm } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';

/** Where the compiler puts its modules, and what is made of them. */
const MODULES = 'build/modules';
const DIST = 'dist';
const LICENCES = join(DIST, 'licenses');

/** What is run or imported from outside. Each keeps its place, and so do relative addresses of what lies beside it. */
const ENTRIES = {
  main: 'main.js',
  'render-worker': 'web/render/render-worker.js',
  'zstandard-worker': 'browse/downloads/zstandard/zstandard-worker.js',
  'library/fossil': 'library/fossil.js',
  'library/index': 'library/index.js',
};

/**
 * Packages that are joined, too, with those that they use: most of the 95 modules of zod are not used, and a thread that renders
 * loads 100 modules of the others while somebody waits for a page. Their licences come along.
 */
const JOINED_PACKAGES = ['markdown-it', 'sanitize-html', 'zod'];
/** Packages that joined ones load and do not use: sanitize-html reads styles with postcss, and Cairn tells it to read none. */
const LEFT_OUT = ['postcss'];
const IN_PACKAGE = /^.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//;

/** Packages are named by their name, modules of Cairn by their place. */
function isOutside(id, importer = '') {
  if (isBuiltin(id)) return true;
  if (!/^[a-z@]/.test(id) || id.startsWith('@oxc-project/') || IN_PACKAGE.test(importer)) return false;
  return !JOINED_PACKAGES.includes(id);
}

/** Puts nothing in the place of packages that are left out. */
const leaveOut = {
  name: 'leave-out',
  resolveId: (id) => (LEFT_OUT.includes(id) ? `\0${id}` : undefined),
  load: (id) => (LEFT_OUT.includes(id.slice(1)) ? 'export {};' : undefined),
};

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
    plugins: [leaveOut, sourceMaps],
    checks: { bundlerTimings: false },
  });
  const { output } = await bundle.write({
    dir: DIST,
    sourcemap: true,
    sourcemapExcludeSources: true,
    chunkFileNames: '[name].js',
  });
  await bundle.close();
  await copyLicences(output.flatMap(({ moduleIds = [] }) => moduleIds));
  return output.map(({ fileName }) => join(DIST, fileName));
}

/** Copies the licence of each package that modules come from. @throws Error for a package without one */
async function copyLicences(modules) {
  await rm(LICENCES, { recursive: true, force: true });
  const packages = new Map();
  for (const id of modules) {
    const [folder, name] = IN_PACKAGE.exec(id) ?? [];
    if (name !== undefined) packages.set(name, folder);
  }
  for (const [name, folder] of packages) {
    const licence = (await readdir(folder)).find((file) => /^licen[cs]e/i.test(file));
    if (licence === undefined) throw new Error(`${name} is joined, and has no licence`);
    await cp(join(folder, licence), join(LICENCES, `${name.replace('/', '-')}.txt`));
  }
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
