import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { childrenEnded, cpuSeconds, watchMemory } from '../../../bench/process-figures.ts';
import { endEverything, run, type Service, start, startService } from '../../../bench/processes.ts';
import { isAlive } from '../../helpers/is-alive.ts';
import { until } from '../../helpers/until.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cairn-bench-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const env = { PATH: process.env['PATH'] };

/** A Node program as a service; it says `ready <pid of its child>` itself. */
function nodeService(name: string, program: string): Promise<Service> {
  return startService(process.execPath, ['-e', program], {
    env,
    log: join(folder, name),
    ready: /ready (\d+)/,
  });
}

describe('run', () => {
  it('feeds input and returns output', async () => {
    const { stdout, seconds } = await run('cat', [], { env, input: ['one ', Buffer.from('two')] });
    expect(stdout).toBe('one two');
    expect(seconds).toBeGreaterThan(0);
  });

  it('reports what a failing command wrote', async () => {
    await expect(run('sh', ['-c', 'echo broken >&2; exit 3'], { env })).rejects.toThrow(
      /failed \(3\): broken/,
    );
  });

  it('reports a missing command', async () => {
    await expect(run('/no/such/command', [], { env })).rejects.toThrow('cannot start /no/such/command');
  });
});

describe('startService', () => {
  it('stops a server that ignores SIGTERM, and its child process', async () => {
    const service = await nodeService(
      'stubborn.log',
      `process.on('SIGTERM', () => {});
       const child = require('node:child_process').spawn('sleep', ['600']);
       console.log('ready ' + child.pid); setInterval(() => {}, 1000);`,
    );
    const child = Number(service.ready[1]);
    expect(isAlive(child)).toBe(true);
    await service.stop();
    expect(isAlive(service.pid)).toBe(false);
    await until(() => !isAlive(child));
  });

  it('reports the last words of a server that ends before it is ready', async () => {
    await expect(nodeService('ended.log', `console.error('no bucket'); process.exit(4);`)).rejects.toThrow(
      /ended with 4: no bucket/,
    );
    expect(await readFile(join(folder, 'ended.log'), 'utf8')).toBe('no bucket\n');
  });
});

describe('endEverything', () => {
  it('returns when every started process group is gone', async () => {
    const child = start('sh', ['-c', 'sleep 600 & wait'], { env, stdio: 'ignore' });
    const { pid } = child;
    if (pid === undefined) throw new Error('sh did not start');
    expect(isAlive(-pid)).toBe(true);
    await endEverything();
    expect(isAlive(-pid)).toBe(false);
    expect(child.signalCode).toBe('SIGKILL');
  });
});

describe('figures of a server process', () => {
  it('include CPU time of finished children, and separate memory of the process and its children', async () => {
    const service = await nodeService(
      'hungry.log',
      `const { execFile, spawn } = require('node:child_process');
       process.on('SIGUSR2', () => {
         const held = Buffer.alloc(96 * 2 ** 20, 1);
         globalThis.held = held;
         execFile('sh', ['-c', 'i=0; while [ $i -lt 800000 ]; do i=$((i+1)); done; sleep 0.5'], () => {
           console.log('worked');
         });
       });
       // Said only now: a signal that nothing handles yet would end it.
       console.log('ready 1');
       setInterval(() => {}, 1000);`,
    );
    try {
      const before = cpuSeconds(service.pid);
      const memory = watchMemory(service.pid);
      process.kill(service.pid, 'SIGUSR2');
      const log = join(folder, 'hungry.log');
      const deadline = performance.now() + 30_000;
      while (!(await readFile(log, 'utf8')).includes('worked') && performance.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      await childrenEnded(service.pid);
      const { server, children } = memory.stop();
      expect(cpuSeconds(service.pid) - before).toBeGreaterThan(0.1);
      expect(server / 2 ** 20).toBeGreaterThan(90);
      expect(server / 2 ** 20).toBeLessThan(160);
      expect(children).toBeGreaterThan(0);
      expect(children / 2 ** 20).toBeLessThan(32);
    } finally {
      await service.stop();
    }
  });
});
