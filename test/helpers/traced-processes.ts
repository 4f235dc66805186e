import { mkdir, readdir, rm } from 'node:fs/promises';

/**
 * Counts the processes of git that something starts.
 * @param trace folder for which the server was started with `GIT_TRACE2_EVENT`: every process of git writes a file there
 */
export async function processesOf(trace: string, run: () => Promise<unknown>): Promise<number> {
  await rm(trace, { recursive: true });
  await mkdir(trace);
  await run();
  return (await readdir(trace)).length;
}
