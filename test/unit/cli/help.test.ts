import type { Command } from 'commander';
import { expect, it } from 'vitest';
import { commandLine } from '../../../src/cli/command-line.ts';

it('help texts contain no Markdown links, which a terminal cannot follow', () => {
  const nothing = () => undefined;
  const { signal } = new AbortController();
  const texts = (command: Command): string[] => [
    command.helpInformation(),
    ...command.commands.flatMap((one) => texts(one as Command)),
  ];
  const all = texts(commandLine({ environment: {}, print: nothing, warn: nothing, signal }));
  expect(all.length).toBeGreaterThan(20);
  for (const text of all) expect(text).not.toMatch(/\]\s*\(/);
  expect(all.join('\n')).toContain('Keep mirrors: repositories that follow others');
});
