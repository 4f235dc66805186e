import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { commandLine } from '../../../src/cli/command-line.ts';
import { allExamples, examplesOf, withoutVariables } from '../../../src/cli/examples.ts';
import { pathOf, SETTINGS } from '../../../src/cli/help.ts';

const nothing = () => undefined;

function program(): Command {
  const { signal } = new AbortController();
  return commandLine({ environment: {}, print: nothing, warn: nothing, signal });
}

function all(command: Command): Command[] {
  return [command, ...command.commands.flatMap((one) => all(one as Command))];
}

/** What a terminal shows, as wide as it is. */
function helpOf(command: Command, columns: number): string {
  let text = '';
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
    getOutHelpWidth: () => columns,
  });
  command.outputHelp();
  return text;
}

const COMMANDS = all(program());
const LEAVES = COMMANDS.filter((command) => command.commands.length === 0 && command.name() !== 'help');
/** Git runs these, and nobody types them. */
const UNTYPED = ['cairn credential get', 'cairn credential store', 'cairn credential erase'];

it('help texts contain no Markdown links, which a terminal cannot follow', () => {
  const texts = COMMANDS.map((command) => command.helpInformation());
  expect(texts.length).toBeGreaterThan(20);
  for (const text of texts) expect(text).not.toMatch(/\]\s*\(/);
  expect(texts.join('\n')).toMatch(/Keep mirrors:\s+repositories\s+that\s+follow\s+others/);
});

it.each(COMMANDS.map((command) => [pathOf(command), command] as const))(
  '%s: help fits into 80 columns, and begins with what belongs to the command',
  (_, command) => {
    const [help = '', examples = ''] = helpOf(command, 80).split('\nExamples:\n');
    // The longest names leave little room, but lines break at every blank.
    for (const line of help.split('\n')) {
      expect(line.length <= 80 || !line.trim().includes(' '), line).toBe(true);
    }
    for (const line of examples.trimEnd().split('\n')) expect(line.length, line).toBeLessThanOrEqual(120);
    const [own = '', settings = ''] = help.split(SETTINGS);
    for (const { long, helpGroupHeading } of command.options) {
      expect(helpGroupHeading === SETTINGS ? settings : own).toMatch(
        new RegExp(`^  (?:-\\w, )?${long}\\b`, 'm'),
      );
    }
    expect(help).not.toContain('(default:');
  },
);

it.each(COMMANDS.flatMap((command) => command.options).map((option) => [option.flags, option] as const))(
  '%s: described in a sentence',
  (_, option) => {
    const described = program().createHelp().optionDescription(option);
    expect(described).toMatch(/[.)\]]$/);
  },
);

describe('examples', () => {
  it('every command that is typed has some', () => {
    const typed = LEAVES.map(pathOf).filter((path) => !UNTYPED.includes(path));
    expect(typed.filter((path) => examplesOf(path).length === 0)).toEqual([]);
  });

  it.each(allExamples())('%s', async (line) => {
    const command = withoutVariables(line);
    const words = [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain = '']) => quoted ?? plain);
    expect(words.shift()).toBe('cairn');
    const root = program();
    const ran: string[] = [];
    for (const one of all(root)) one.action(() => void ran.push(pathOf(one)));
    await root.parseAsync(words, { from: 'user' });
    expect(ran).toHaveLength(1);
    expect(`${command} `.startsWith(`${ran[0]} `)).toBe(true);
  });
});
