import { expect, it } from 'vitest';
import type { CommandContext } from '../../../../src/cli/command-context.ts';
import { reported } from '../../../../src/cli/mirror/mirror.ts';
import { reported as keptReported } from '../../../../src/cli/mirror/mirror-kept.ts';

const fault = new TypeError('nobody expects this');

function contextOf(printed: string[]): CommandContext {
  return {
    environment: {},
    print: (text) => void printed.push(text),
    warn: () => undefined,
    signal: new AbortController().signal,
  };
}

it('a mirror command prints its document before an internal error ends it', async () => {
  const printed: string[] = [];
  const asked = {
    command: 'plan',
    source: '/source',
    target: '/target',
    endpoint: async (_: string, address: string) => ({ address }),
    flags: { json: true },
  };
  const reporting = reported(asked, contextOf(printed), () => Promise.reject(fault));
  await expect(reporting).rejects.toBe(fault);
  expect(printed.map((text) => JSON.parse(text))).toMatchObject([
    { command: 'plan', outcome: 'transport', problem: fault.message },
  ]);
});

it('a command on kept mirrors prints its document before an internal error ends it', async () => {
  const printed: string[] = [];
  const command = { repository: 'x/y', flags: {}, json: true };
  const reporting = keptReported('show', command, contextOf(printed), () => Promise.reject(fault));
  await expect(reporting).rejects.toBe(fault);
  expect(printed.map((text) => JSON.parse(text))).toEqual([
    { command: 'mirror show', outcome: 'transport', problem: fault.message },
  ]);
});

it('a full disk ends a command with the exit code for this machine, after the document and without a stack (issue 13, point 9)', async () => {
  const full = Object.assign(new Error("ENOSPC: no space left on device, mkdtemp '/tmp/mirror-x'"), {
    code: 'ENOSPC',
    errno: -28,
    syscall: 'mkdtemp',
  });
  const printed: string[] = [];
  const asked = {
    command: 'fetch',
    source: '/source',
    target: undefined,
    endpoint: async (_: string, address: string) => ({ address }),
    flags: { json: true },
  };
  const reporting = reported(asked, contextOf(printed), () => Promise.reject(full));
  await expect(reporting).rejects.toMatchObject({
    exitCode: 6,
    message: expect.stringContaining('no disk space'),
  });
  const kept = keptReported('list', { repository: 'x/y', flags: {}, json: true }, contextOf(printed), () =>
    Promise.reject(full),
  );
  await expect(kept).rejects.toMatchObject({ exitCode: 6 });
  const problem = expect.stringMatching(/^no disk space is left .*ENOSPC/);
  expect(printed.map((text) => JSON.parse(text))).toMatchObject([
    { command: 'fetch', outcome: 'transport', problem },
    { command: 'mirror list', outcome: 'transport', problem },
  ]);
});
