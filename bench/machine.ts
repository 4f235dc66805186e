import { cpus, release, totalmem, type } from 'node:os';
import { apacheVersion } from './apache.ts';
import { git } from './git-client.ts';
import type { Machine } from './report.ts';

/** What this machine is and runs. */
export async function describeMachine(): Promise<Machine> {
  const gitVersion = (await git(['--version'])).stdout.trim();
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    node: process.versions.node,
    git: gitVersion,
    reference: `git http-backend under ${await apacheVersion()}, core.fsync=all`,
  };
}
