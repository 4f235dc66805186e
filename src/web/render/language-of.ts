/** Which language a file is in, by its name and its first line. Nothing is guessed from the content: that takes long. */

/** The languages that are marked, as highlight.js names them, each with the ends of file names (in lower case). */
const ENDINGS = {
  ada: 'ada adb ads',
  apache: 'htaccess',
  arduino: 'ino',
  asciidoc: 'adoc asciidoc',
  awk: 'awk gawk',
  bash: 'sh bash zsh ksh bats ebuild eclass',
  c: 'c h',
  clojure: 'clj cljs cljc edn',
  cmake: 'cmake',
  coffeescript: 'coffee cson',
  cpp: 'cc cpp cxx c++ hh hpp hxx h++ inl ipp tpp cu cuh',
  crystal: 'cr',
  csharp: 'cs csx',
  css: 'css',
  d: 'd di',
  dart: 'dart',
  delphi: 'pas dpr dfm lpr',
  diff: 'diff patch rej',
  dockerfile: 'dockerfile containerfile',
  dos: 'bat cmd',
  dts: 'dts dtsi',
  elixir: 'ex exs heex',
  elm: 'elm',
  erb: 'erb',
  erlang: 'erl hrl escript',
  fortran: 'f f77 f90 f95 f03 f08 for',
  fsharp: 'fs fsi fsx',
  gherkin: 'feature',
  glsl: 'glsl vert frag geom comp',
  go: 'go',
  gradle: 'gradle',
  graphql: 'graphql gql graphqls',
  groovy: 'groovy gvy jenkinsfile',
  handlebars: 'hbs handlebars mustache',
  haskell: 'hs lhs',
  haxe: 'hx',
  ini: 'ini toml cfg conf editorconfig gitconfig gitmodules service socket timer desktop npmrc',
  java: 'java',
  javascript: 'js mjs cjs jsx es6',
  json: 'json jsonc json5 jsonl ndjson webmanifest geojson map ipynb har lock.json',
  julia: 'jl',
  kotlin: 'kt kts',
  latex: 'tex sty cls ltx bib',
  less: 'less',
  lisp: 'lisp lsp cl el emacs',
  llvm: 'll',
  lua: 'lua',
  makefile: 'mk mak makefile',
  markdown: 'md markdown mkd mkdown mdx',
  mathematica: 'wl wls nb',
  matlab: 'm',
  nginx: 'nginx nginxconf',
  nim: 'nim nims nimble',
  nix: 'nix',
  objectivec: 'mm',
  ocaml: 'ml mli mll mly',
  perl: 'pl pm t psgi',
  pgsql: 'pgsql',
  php: 'php php3 php4 php5 phtml',
  powershell: 'ps1 psm1 psd1',
  prolog: 'pro prolog',
  properties: 'properties',
  protobuf: 'proto',
  puppet: 'pp',
  python: 'py pyi pyw pyx pxd gyp gypi bzl bazel star',
  qml: 'qml',
  r: 'r',
  reasonml: 're rei',
  ruby: 'rb rake gemspec podspec thor ru',
  rust: 'rs',
  scala: 'scala sc sbt',
  scheme: 'scm ss sld rkt',
  scss: 'scss sass',
  smalltalk: 'st',
  sml: 'sml sig',
  sql: 'sql ddl dml',
  stylus: 'styl',
  swift: 'swift',
  tcl: 'tcl tk',
  thrift: 'thrift',
  twig: 'twig jinja jinja2 j2',
  typescript: 'ts mts cts tsx',
  vala: 'vala vapi',
  vbnet: 'vb',
  verilog: 'v sv svh vh',
  vhdl: 'vhd vhdl',
  vim: 'vim vimrc',
  wasm: 'wat wast',
  x86asm: 'asm nasm s',
  xml: 'xml html htm xhtml svg xsd xsl xslt rss atom plist vue svelte csproj fsproj vbproj vcxproj props targets resx xaml wsdl kml gpx',
  xquery: 'xq xquery xqm',
  yaml: 'yml yaml clang-format clang-tidy cff',
  zephir: 'zep',
} as const;

/** A language that is marked. */
export type Language = keyof typeof ENDINGS;

/** Whole names (in lower case). */
const NAMES: Readonly<Record<string, Language>> = {
  brewfile: 'ruby',
  'build.bazel': 'python',
  build: 'python',
  'cargo.lock': 'ini',
  'cmakelists.txt': 'cmake',
  configure: 'bash',
  'flake.lock': 'json',
  gemfile: 'ruby',
  gnumakefile: 'makefile',
  guardfile: 'ruby',
  'go.mod': 'go',
  kbuild: 'makefile',
  'meson.build': 'python',
  pkgbuild: 'bash',
  'poetry.lock': 'ini',
  podfile: 'ruby',
  rakefile: 'ruby',
  sconscript: 'python',
  sconstruct: 'python',
  snakefile: 'python',
  vagrantfile: 'ruby',
  workspace: 'python',
  '.bash_profile': 'bash',
  '.bashrc': 'bash',
  '.profile': 'bash',
  '.zshrc': 'bash',
  '.babelrc': 'json',
  '.eslintrc': 'json',
  '.prettierrc': 'json',
};

/** Programs that a first line `#!` names, without numbers of versions. */
const PROGRAMS: Readonly<Record<string, Language>> = {
  ash: 'bash',
  bash: 'bash',
  dash: 'bash',
  ksh: 'bash',
  sh: 'bash',
  zsh: 'bash',
  awk: 'awk',
  gawk: 'awk',
  bun: 'javascript',
  deno: 'typescript',
  node: 'javascript',
  nodejs: 'javascript',
  'ts-node': 'typescript',
  tsx: 'typescript',
  crystal: 'crystal',
  elixir: 'elixir',
  escript: 'erlang',
  groovy: 'groovy',
  julia: 'julia',
  lua: 'lua',
  make: 'makefile',
  ocaml: 'ocaml',
  perl: 'perl',
  php: 'php',
  pwsh: 'powershell',
  python: 'python',
  pypy: 'python',
  rscript: 'r',
  ruby: 'ruby',
  runhaskell: 'haskell',
  swift: 'swift',
  tclsh: 'tcl',
  wish: 'tcl',
};

const BY_ENDING: ReadonlyMap<string, Language> = new Map(
  Object.entries(ENDINGS).flatMap(([language, endings]) =>
    endings.split(' ').map((ending): [string, Language] => [ending, language as Language]),
  ),
);

/** Every language that is marked. */
export const LANGUAGES: readonly Language[] = Object.keys(ENDINGS) as Language[];

/**
 * Finds the language of a file.
 * @param name of the file, without folders
 * @param firstLine of its text
 * @returns undefined where neither tells
 */
export function languageOf(name: string, firstLine: string): Language | undefined {
  const lower = name.toLowerCase();
  const whole = Object.hasOwn(NAMES, lower) ? NAMES[lower] : undefined;
  // `.gitmodules` and `Dockerfile` are endings of their own; `Dockerfile.dev` begins with one.
  const ending = lower.slice(lower.lastIndexOf('.') + 1);
  const start = lower.split('.', 1)[0] ?? '';
  const isNamed = start === 'dockerfile' || start === 'containerfile' || start === 'makefile';
  return whole ?? BY_ENDING.get(isNamed ? start : ending) ?? byProgram(firstLine);
}

/**
 * The language that an author names, for example behind the fence of a block of code in Markdown: by its name or by an ending
 * of file names.
 */
export function languageNamed(word: string): Language | undefined {
  const lower = word.toLowerCase();
  return Object.hasOwn(ENDINGS, lower) ? (lower as Language) : (BY_ENDING.get(lower) ?? ALIASES.get(lower));
}

/** Names in use besides. */
const ALIASES: ReadonlyMap<string, Language> = new Map<string, Language>([
  ['c#', 'csharp'],
  ['console', 'bash'],
  ['docker', 'dockerfile'],
  ['f#', 'fsharp'],
  ['golang', 'go'],
  ['make', 'makefile'],
  ['node', 'javascript'],
  ['objc', 'objectivec'],
  ['objective-c', 'objectivec'],
  ['postgres', 'pgsql'],
  ['postgresql', 'pgsql'],
  ['shell', 'bash'],
  ['tex', 'latex'],
]);

/** Longer first lines name no program. */
const MOST_COLUMNS = 256;

function byProgram(firstLine: string): Language | undefined {
  if (!firstLine.startsWith('#!')) return undefined;
  const words = firstLine.slice(2, MOST_COLUMNS).trim().split(/\s+/);
  const names = words.map((word) => word.slice(word.lastIndexOf('/') + 1));
  // `env` has options and variables before the program.
  const program = names[0] === 'env' ? names.slice(1).find((name) => !/^-|=/.test(name)) : names[0];
  const plain = program?.toLowerCase().replace(/[\d.]+$/, '') ?? '';
  return Object.hasOwn(PROGRAMS, plain) ? PROGRAMS[plain] : undefined;
}
