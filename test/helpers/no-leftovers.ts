/**
 * Runs around every test file: what a test starts has to be gone when the file is done. Each file gets a folder for
 * temporary files of its own, which has to be empty in the end, and may leave no process behind.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, vi } from 'vitest';
import { endFile } from './file-end.ts';

/** Long enough for a process that has been told to end, on a busy machine, and shorter than anything that hangs. */
const PATIENCE_MS = 30_000;
const PAUSE_MS = 50;

/** From Node.js 22 on, npm keeps its compiled code there. */
const KEPT_BY_NPM = 'node-compile-cache';

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

const realTimeout = globalThis.setTimeout;
const outer = process.env['TMPDIR'];
const folder = mkdtempSync(join(tmpdir(), 'cairn-tests-'));
process.env['TMPDIR'] = folder;

afterAll(async () => {
  // The next file may run in this very process, and waits for real time.
  vi.useRealTimers();
  if (globalThis.setTimeout !== realTimeout) {
    globalThis.setTimeout = realTimeout;
    throw new Error('the tests of this file left timers behind that are not real');
  }
  await endFile();
  const deadline = performance.now() + PATIENCE_MS;
  let left = leftovers();
  while (left.length > 0 && performance.now() < deadline) {
    await sleep(PAUSE_MS);
    left = leftovers();
  }
  for (const { pid } of descendants(listProcesses(), process.pid)) kill(pid);
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  // The next file may run in this very process.
  if (outer === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = outer;
  if (left.length > 0) throw new Error(`the tests of this file left behind:\n${left.join('\n')}`);
});

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended while we looked.
  }
}

function leftovers(): string[] {
  const processes = descendants(listProcesses(), process.pid);
  return [
    ...processes.map(({ pid, command }) => `process ${pid}: ${command}`),
    ...readdirSync(folder)
      .filter((name) => name !== KEPT_BY_NPM)
      .map((name) => `file or folder ${name}`),
  ];
}

/** The children of a process, their children, and so on. */
function descendants(processes: readonly Process[], root: number): Process[] {
  const children = processes.filter(({ parent }) => parent === root);
  return children.flatMap((child) => [child, ...descendants(processes, child.pid)]);
}

/** Every process of the machine; ones that have ended but were not waited for do not count. */
function listProcesses(): Process[] {
  return process.platform === 'linux' ? listFromProc() : listFromPs();
}

function listFromProc(): Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        // `<pid> (<name>) <state> <parent> …`, and the name may hold anything.
        const [, state = '', parent = ''] =
          /\) (\S) (\d+)/.exec(readFileSync(`/proc/${name}/stat`, 'latin1')) ?? [];
        const command = readFileSync(`/proc/${name}/cmdline`, 'latin1').replaceAll('\0', ' ').trim();
        return state === 'Z' ? [] : [{ pid: Number(name), parent: Number(parent), command }];
      } catch {
        // It ended while we looked.
        return [];
      }
    });
}

function listFromPs(): Process[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat=,args='], { encoding: 'utf8' }).split('\n');
  return lines.flatMap((line) => {
    const [, pid, parent, state = '', command = ''] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    const ignored = pid === undefined || state.startsWith('Z') || command.startsWith('ps -A');
    return ignored ? [] : [{ pid: Number(pid), parent: Number(parent), command }];
  });
}
