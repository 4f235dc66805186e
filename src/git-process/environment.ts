/**
 * The environment of every git process. It is an allow-list, so that nothing from the operator's shell, a user's
 * configuration or a request reaches git by accident.
 */

/** Settings of every git process, with the reason for each. */
const FORCED_CONFIG: readonly (readonly [key: string, value: string])[] = [
  ['core.hooksPath', '/dev/null'], // no hook runs: Cairn checks all rules itself
  ['core.useReplaceRefs', 'false'], // refs/replace/* are plain refs here and replace no objects
  ['core.fsync', 'none'], // git writes only scratch files; the object store makes them durable
  ['gc.auto', '0'], // a background gc would outlive its request and race with the removal of its folder
  ['maintenance.auto', 'false'],
  ['protocol.allow', 'never'], // no git process opens a connection
  ['core.packedGitLimit', '256m'],
  ['pack.useSparse', 'false'], // what it saves is not measurable here, and it holds the names of all folders that differ
  ['advice.graftFileDeprecated', 'false'],
];

const MIB = 2 ** 20;

/**
 * Sizes of what git holds in memory: a good value for each, and the divisor of the memory limit that bounds it. Together they
 * leave at least a third of the limit to tables of objects, which grow with the repository and cannot be bounded.
 */
const SIZES: readonly (readonly [key: string, bytes: number, parts: number])[] = [
  ['core.bigFileThreshold', 50 * MIB, 16], // larger blobs are streamed, not held in memory
  ['pack.windowMemory', 100 * MIB, 10], // for each of two threads
  ['pack.deltaCacheSize', 256 * MIB, 8],
  ['core.deltaBaseCacheLimit', 64 * MIB, 16],
];

/** Below this limit git uses one thread: the stack of a second one is 8 MiB, all of which counts against the limit. */
const MEMORY_FOR_THREADS = 64 * MIB;

function sizesWithin(memory = Number.POSITIVE_INFINITY): [key: string, value: string][] {
  const sizes = SIZES.map(([key, bytes, parts]): [string, string] => [
    key,
    String(Math.floor(Math.min(bytes, memory / parts))),
  ]);
  return [['pack.threads', memory < MEMORY_FOR_THREADS ? '1' : '2'], ...sizes];
}

export interface EnvironmentOptions {
  /** Memory limit of the process in bytes; undefined for no limit. */
  readonly memory?: number;
  /** Value of HOME: an empty folder, so that git finds no configuration. */
  readonly home: string;
  /** More settings, computed by Cairn and never copied from a request. */
  readonly config?: readonly (readonly [key: string, value: string])[];
  readonly variables?: Readonly<Record<string, string>>;
}

/** Builds the complete environment of a git process. Only PATH comes from the server's own environment. */
export function gitEnvironment(options: EnvironmentOptions): Record<string, string> {
  const environment: Record<string, string> = {
    PATH: process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
    HOME: options.home,
    XDG_CONFIG_HOME: options.home,
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_NO_LAZY_FETCH: '1',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_OPTIONAL_LOCKS: '0',
    ...options.variables,
  };
  const config = [...FORCED_CONFIG, ...sizesWithin(options.memory), ...(options.config ?? [])];
  environment['GIT_CONFIG_COUNT'] = String(config.length);
  config.forEach(([key, value], index) => {
    environment[`GIT_CONFIG_KEY_${index}`] = key;
    environment[`GIT_CONFIG_VALUE_${index}`] = value;
  });
  // Lets an operator, and the budget tests, trace git's own children.
  const trace = process.env['CAIRN_GIT_TRACE2_EVENT'];
  if (trace !== undefined) environment['GIT_TRACE2_EVENT'] = trace;
  return environment;
}
