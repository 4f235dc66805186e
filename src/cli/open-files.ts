import { readFile } from 'node:fs/promises';
import { systemCode } from '../lib/errors.ts';

/** Files that a server opens besides connections: pipes of git, packs, logs, connections to the store. */
const BESIDES = 1_024;

/** What `/proc/self/limits` says of open files: how many a process may have; undefined when it says nothing of them, or no limit. */
export function openFileLimitIn(limits: string): number | undefined {
  const [, soft] = /^Max open files +(\d+) /m.exec(limits) ?? [];
  return soft === undefined ? undefined : Number(soft);
}

/** How many files this process may have open; undefined where that cannot be told: on other systems than Linux. */
export async function openFileLimit(): Promise<number | undefined> {
  try {
    return openFileLimitIn(await readFile('/proc/self/limits', 'latin1'));
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return undefined;
  }
}

/** What to tell an operator whose server may have fewer files open than its connections need; undefined when all is well. */
export function openFilesWarning(limit: number | undefined, maxConnections: number): string | undefined {
  const needed = maxConnections + BESIDES;
  if (limit === undefined || limit >= needed) return undefined;
  return (
    `this process may have ${limit} files open, and --max-connections ${maxConnections} needs ${needed}: ` +
    'raise the limit (ulimit -n, or LimitNOFILE of systemd), or lower --max-connections'
  );
}
