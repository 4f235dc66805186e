/**
 * The environment every git process gets: an allow-list, so that nothing of the operator's shell, of a user's
 * configuration or of a request reaches git by accident.
 */

/** Settings forced on every git process, each for a reason. */
const FORCED_CONFIG: readonly (readonly [key: string, value: string])[] = [
  ['core.hooksPath', '/dev/null'], // no hook ever runs: rules live in Cairn
  ['core.useReplaceRefs', 'false'], // refs/replace/* are data here, not a lens over the objects
  ['core.fsync', 'none'], // git writes only scratch; durability is the object store's
  ['gc.auto', '0'], // a background gc would outlive its request and race the scratch folder
  ['maintenance.auto', 'false'],
  ['protocol.allow', 'never'], // no git process here opens a connection
  ['core.packedGitLimit', '256m'],
  ['advice.graftFileDeprecated', 'false'],
];

const MIB = 2 ** 20;

/**
 * What git holds in memory at once, for each a size that serves well and the share of a memory limit that it may have. Together
 * they leave at least a third of a limit to tables of objects, which grow with the repository and cannot be bounded.
 */
const SIZES: readonly (readonly [key: string, bytes: number, parts: number])[] = [
  ['core.bigFileThreshold', 50 * MIB, 16], // larger blobs are streamed, never held whole
  ['pack.windowMemory', 100 * MIB, 10], // for each of two threads
  ['pack.deltaCacheSize', 256 * MIB, 8],
  ['core.deltaBaseCacheLimit', 64 * MIB, 16],
];

/** Below this limit git works on one thread: the stack of another is 8 MiB, of which the limit counts every byte. */
const MEMORY_FOR_THREADS = 64 * MIB;

function sizesWithin(memory = Number.POSITIVE_INFINITY): [key: string, value: string][] {
  const sizes = SIZES.map(([key, bytes, parts]): [string, string] => [
    key,
    String(Math.floor(Math.min(bytes, memory / parts))),
  ]);
  return [['pack.threads', memory < MEMORY_FOR_THREADS ? '1' : '2'], ...sizes];
}

export interface EnvironmentOptions {
  /** Bytes of memory that the process may have; undefined for no limit. */
  readonly memory?: number;
  /** Where git finds nothing: a folder without a home's files. */
  readonly home: string;
  /** More settings, computed by Cairn, never copied from a request. */
  readonly config?: readonly (readonly [key: string, value: string])[];
  readonly variables?: Readonly<Record<string, string>>;
}

/** Builds the complete environment of a git process. Only PATH comes from the server's own. */
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
  // Lets an operator (and the budget tests) see what git's own children do.
  const trace = process.env['CAIRN_GIT_TRACE2_EVENT'];
  if (trace !== undefined) environment['GIT_TRACE2_EVENT'] = trace;
  return environment;
}
