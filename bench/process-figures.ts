import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { systemCode } from '../src/lib/errors.ts';

/** What /proc tells about a server and the processes it has started (Linux only). */

/** Clock ticks per second of /proc/<pid>/stat; 100 on every Linux Node runs on. */
const ticksPerSecond = 100;

/** One process of a server's tree. */
interface ProcessFigures {
  readonly pid: number;
  readonly parent: number;
  /** Own CPU time and that of children it has waited for. */
  readonly cpuSeconds: number;
}

/** Memory of a server while something ran, in bytes. */
export interface MemoryGrowth {
  /** How far the server's own processes rose above what they held before. */
  readonly server: number;
  /** The most its children (git) held together. */
  readonly children: number;
}

/** CPU seconds a server has used so far: its processes, and all children they have waited for. */
export function cpuSeconds(root: number): number {
  return treeOf(root).reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
}

/** Waits, 2 s at most, until the server has no children but copies of itself: their CPU time is then counted. */
export async function childrenEnded(root: number): Promise<void> {
  for (let tries = 0; tries < 200 && splitTree(root).children.length > 0; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Waits, 30 s at most, until the server does next to nothing: what it does behind its answers is then done. */
export async function settled(root: number): Promise<void> {
  for (let tries = 0; tries < 60; tries++) {
    const before = cpuSeconds(root);
    await new Promise((resolve) => setTimeout(resolve, 500));
    if (cpuSeconds(root) - before < 0.05) return;
  }
}

/**
 * Watches a server's memory from now until `stop` is called. The server counts as the processes that
 * run the same program as `root` (Apache has several); for a single process the kernel's own
 * high-water mark is used, for several and for children a sample every 100 ms.
 */
export function watchMemory(root: number): { stop(): MemoryGrowth } {
  resetHighWater(root);
  const before = sum(splitTree(root).server, 'VmRSS');
  let server = before;
  let children = 0;
  const look = () => {
    const tree = splitTree(root);
    server = Math.max(server, sum(tree.server, tree.server.length === 1 ? 'VmHWM' : 'VmRSS'));
    children = Math.max(children, sum(tree.children, 'VmRSS'));
  };
  const timer = setInterval(look, 100);
  return {
    stop() {
      clearInterval(timer);
      look();
      return { server: server - before, children };
    },
  };
}

/** Bytes that a server and all it has started hold, each page shared among them counted once (proportional set size). */
export function memoryOfTree(root: number): number {
  const proportional = ({ pid }: ProcessFigures) =>
    Number(/^Pss:\s+(\d+) kB$/m.exec(readProc(`/proc/${pid}/smaps_rollup`) ?? '')?.[1] ?? 0) * 1024;
  return treeOf(root).reduce((total, figures) => total + proportional(figures), 0);
}

function splitTree(root: number): { server: number[]; children: number[] } {
  const program = programOf(root);
  const pids = treeOf(root).map(({ pid }) => pid);
  return {
    server: pids.filter((pid) => programOf(pid) === program),
    children: pids.filter((pid) => programOf(pid) !== program),
  };
}

/** The process and all its living descendants. */
function treeOf(root: number): ProcessFigures[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => statOf(Number(name)));
  const tree = all.filter(({ pid }) => pid === root);
  for (const { pid } of tree) tree.push(...all.filter(({ parent }) => parent === pid));
  return tree;
}

function statOf(pid: number): ProcessFigures[] {
  const stat = readProc(`/proc/${pid}/stat`);
  if (stat === undefined) return [];
  // The command's name, in parentheses, may hold anything; the fields are counted behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = fields.slice(11, 15).reduce((total, field) => total + Number(field), 0);
  return [{ pid, parent: Number(fields[1]), cpuSeconds: ticks / ticksPerSecond }];
}

function sum(pids: readonly number[], field: 'VmRSS' | 'VmHWM'): number {
  return pids.reduce((total, pid) => total + memoryOf(pid, field), 0);
}

function memoryOf(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const status = readProc(`/proc/${pid}/status`) ?? '';
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) * 1024;
}

/** Makes VmHWM start again from what the process holds now. */
function resetHighWater(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

function programOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** A process may end between two looks; and others' processes may be closed to us. */
function isGone(error: unknown): boolean {
  return ['ENOENT', 'ESRCH', 'EACCES'].includes(systemCode(error) ?? '');
}
