import { mkdirSync, readdirSync, readFileSync, rmSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../../src/lib/errors.ts';

/** Where Linux has a file system in memory that everybody may write to. */
const MEMORY_FOLDER = '/dev/shm';

/** What the largest tests, four at a time, write at most, with room to spare. Containers often have 64 MiB there. */
const NEEDED_BYTES = 4 * 2 ** 30;

/** The folder of a run has the process id of the run in its name. */
const PREFIX = 'cairn-test-run-';

/**
 * Puts the temporary files of all tests into memory where there is a place for them, because tests make and remove some hundred
 * thousand small files: on a disk that is a tenth of their processor time. Elsewhere they stay where `TMPDIR` or the system says.
 * @returns removes the folder of this run
 */
export default function scratchInMemory(): (() => void) | undefined {
  if (process.env['TMPDIR'] !== undefined || !hasRoom()) return undefined;
  removeAbandoned();
  const folder = join(MEMORY_FOLDER, `${PREFIX}${process.pid}`);
  mkdirSync(folder, { recursive: true });
  // Processes that run tests are started later, and get this environment.
  process.env['TMPDIR'] = folder;
  return () => {
    delete process.env['TMPDIR'];
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  };
}

/** Whether programs can be started from there, too, and there is enough of it and of the memory that it takes. */
function hasRoom(): boolean {
  try {
    const mounts = readFileSync('/proc/mounts', 'utf8').split('\n');
    const options = mounts.map((line) => line.split(' ')).find(([, at]) => at === MEMORY_FOLDER);
    if (options?.[2] !== 'tmpfs' || options[3]?.split(',').some((option) => /^(noexec|ro)$/.test(option)))
      return false;
    const { bavail, bsize } = statfsSync(MEMORY_FOLDER);
    const [, available = '0'] =
      /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8')) ?? [];
    return bavail * bsize >= NEEDED_BYTES && Number(available) * 1024 >= 2 * NEEDED_BYTES;
  } catch {
    // Another system, or a Linux without it.
    return false;
  }
}

/** Memory is not given back by a run that was killed. Another container may share the folder, but not the process ids. */
function removeAbandoned(): void {
  const oneHourAgo = Date.now() - 3_600_000;
  for (const name of readdirSync(MEMORY_FOLDER).filter((each) => each.startsWith(PREFIX))) {
    const path = join(MEMORY_FOLDER, name);
    // Each test file makes a folder in that of its run.
    if (hasEnded(Number(name.slice(PREFIX.length))) && statSync(path).mtimeMs < oneHourAgo)
      rmSync(path, { recursive: true, force: true, maxRetries: 3 });
  }
}

function hasEnded(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    // Somebody else's process may not be signalled; it runs.
    return systemCode(error) === 'ESRCH';
  }
}
