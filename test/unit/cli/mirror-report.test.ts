import { expect, it } from 'vitest';
import type { CommandContext } from '../../../src/cli/command-context.ts';
import { reported } from '../../../src/cli/mirror.ts';
import { reported as keptReported } from '../../../src/cli/mirror-kept.ts';

const fault = new TypeError('nobody expects this');

function contextOf(printed: string[]): CommandContext {
  return {
    environment: {},
    print: (text) => void printed.push(text),
    warn: () => undefined,
    signal: new AbortController().signal,
  };
}

it('prints the document of a mirror command before a fault of its own ends it', async () => {
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

it('prints the document of a command on kept mirrors before a fault of its own ends it', async () => {
  const printed: string[] = [];
  const command = { repository: 'x/y', flags: {}, json: true };
  const reporting = keptReported('show', command, contextOf(printed), () => Promise.reject(fault));
  await expect(reporting).rejects.toBe(fault);
  expect(printed.map((text) => JSON.parse(text))).toEqual([
    { command: 'mirror show', outcome: 'transport', problem: fault.message },
  ]);
});
