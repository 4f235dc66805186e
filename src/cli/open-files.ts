import { readFile } from 'node:fs/promises';
import { systemCode } from '../lib/errors.ts';

/** Files that a server opens beside connections: pipes of git, packs, logs, connections to the store. */
const BESIDES = 1_024;

/** The limit on open files in `/proc/self/limits`; undefined when there is no such line, or no limit. */
export function openFileLimitIn(limits: string): number | undefined {
  const [, soft] = /^Max open files +(\d+) /m.exec(limits) ?? [];
  return soft === undefined ? undefined : Number(soft);
}

/** The limit on open files of this process; undefined where it cannot be read, on systems other than Linux. */
export async function openFileLimit(): Promise<number | undefined> {
  try {
    return openFileLimitIn(await readFile('/proc/self/limits', 'latin1'));
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return undefined;
  }
}

/**
 * The warning for an operator whose limit on open files is too low for the connections; undefined when it is high
 * enough.
 */
export function openFilesWarning(limit: number | undefined, maxConnections: number): string | undefined {
  const needed = maxConnections + BESIDES;
  if (limit === undefined || limit >= needed) return undefined;
  return (
    `this process may have ${limit} files open, and --max-connections ${maxConnections} needs ${needed}: ` +
    'raise the limit (ulimit -n, or LimitNOFILE of systemd), or lower --max-connections'
  );
}
