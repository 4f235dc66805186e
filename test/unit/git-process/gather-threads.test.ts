/** Threads of a process share a processor while they mostly wait for each other. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { gatherThreads, linux, type ThreadSystem } from '../../../src/git-process/gather-threads.ts';

/** A process that waits so many times in each millisecond; one number for each look, until it ends. */
class ImaginaryProcess implements ThreadSystem {
  readonly bound: string[] = [];
  readonly slept: number[] = [];
  readonly over = new AbortController();
  readonly release = new AbortController();
  /** Looks and reviews until the threads are to be released. */
  releaseAfter = Number.POSITIVE_INFINITY;
  threads = 3;
  canBind = true;
  private readonly rates: number[];
  private readonly last: string;
  private waits = 0;
  private time = 0;

  constructor(rates: readonly number[], last = '1') {
    this.rates = [...rates];
    this.last = last;
  }

  figures() {
    return { threads: this.threads, waits: this.waits };
  }

  processors() {
    return { last: this.last, all: '0-3' };
  }

  async bind(_pid: number, processors: string) {
    this.bound.push(processors);
    return this.canBind;
  }

  now() {
    return this.time;
  }

  async sleep(milliseconds: number) {
    this.slept.push(milliseconds);
    const rate = this.rates.shift();
    this.time += milliseconds;
    this.waits += (rate ?? 0) * milliseconds;
    if (rate === undefined) this.over.abort();
    if (this.slept.length >= this.releaseAfter) this.release.abort();
  }

  /** Watches it until it ends. */
  watch(): Promise<void> {
    return gatherThreads(1, { over: this.over.signal, release: this.release.signal }, this);
  }
}

describe('threads of git', () => {
  it('share a processor while they mostly wait for each other, and are looked at again after a while', async () => {
    const process = new ImaginaryProcess([0, 2, 40, 0, 0, 40, 0, 0, 3, 3]);
    await process.watch();
    expect(process.bound).toEqual(['1', '0-3', '1', '0-3']);
  });

  it('stay on one processor for longer each time, up to four seconds', async () => {
    const process = new ImaginaryProcess(Array.from({ length: 5 }, () => [0, 40, 0]).flat());
    await process.watch();
    expect(process.slept.filter((each) => each > 20)).toEqual([1_000, 2_000, 4_000, 4_000, 4_000]);
  });

  it('have all processors again as soon as they are released, and are not looked at any more', async () => {
    const process = new ImaginaryProcess([0, 40, 0, 40, 40, 40]);
    process.releaseAfter = 3;
    await process.watch();
    expect(process.bound).toEqual(['1', '0-3']);
    expect(process.slept).toEqual([20, 20, 1_000]);
    const free = new ImaginaryProcess([0, 40, 40]);
    free.releaseAfter = 1;
    await free.watch();
    expect(free.bound).toEqual([]);
  });

  it('are bound no more once the process has ended', async () => {
    const process = new ImaginaryProcess([0, 40]);
    await process.watch();
    expect(process.bound).toEqual(['1']);
  });

  it('keep their processors while they work', async () => {
    const process = new ImaginaryProcess([0, 3, 3, 9, 3]);
    await process.watch();
    expect(process.bound).toEqual([]);
  });

  it('are not judged by what one of them has waited for before there were others', async () => {
    const process = new ImaginaryProcess([40, 40, 40]);
    process.threads = 1;
    await process.watch();
    expect(process.bound).toEqual([]);
  });

  it('are left alone after one try where the system cannot bind them', async () => {
    const process = new ImaginaryProcess([0, 40, 40, 40, 40]);
    process.canBind = false;
    await process.watch();
    expect(process.bound).toEqual(['1']);
  });

  it('do not go where those of another process are', async () => {
    const [first, second] = [new ImaginaryProcess([0, 40, 0, 0, 0]), new ImaginaryProcess([0, 40, 0, 0, 0])];
    await Promise.all([first.watch(), second.watch()]);
    expect([first.bound, second.bound]).toEqual([['1', '0-3'], []]);
  });

  it.skipIf(process.platform !== 'linux')('are seen and bound on Linux', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1)'], { stdio: 'ignore' });
    const pid = child.pid ?? 0;
    try {
      await expect.poll(() => linux.figures(pid)?.threads).toBeGreaterThan(1);
      // A process that has just started may have had a processor for each of its threads so far.
      await expect.poll(() => linux.figures(pid)?.waits).toBeGreaterThan(0);
      const processors = linux.processors(pid);
      const allowed = () =>
        /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
      expect(processors?.all).toBe(allowed());
      // Where there is no taskset(1), it says so.
      const isBound = await linux.bind(pid, processors?.last ?? '');
      expect(allowed()).toBe(isBound ? processors?.last : processors?.all);
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    expect(linux.figures(pid)).toBeUndefined();
    expect(linux.processors(pid)).toBeUndefined();
  });
});
