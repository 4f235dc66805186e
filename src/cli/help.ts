/** How help looks: what belongs to the command comes first, settings follow, all in sentences, with defaults in one form. */
import { type Argument, type Command, Help, type Option } from 'commander';
import { examplesOf } from './examples.ts';

/** Heading of the options that are settings: each has a variable, too. */
export const SETTINGS = 'Settings, as flags or environment variables:';

/** Columns, if standard output is no terminal. */
const COLUMNS = 80;
/** Columns, beyond which lines are hard to read. */
const WIDEST = 120;

/** Sets the form of the help of a program. Call it before commands are added, which inherit it. */
export function formatHelp(program: Command): void {
  program.configureHelp({
    optionDescription,
    groupItems: ownFirst,
    subcommandTerm: (command) => [command.name(), ...command.registeredArguments.map(placeholder)].join(' '),
    // Commander would not wrap at all where the names of options leave less than 40 columns.
    minWidthToWrap: 20,
    prepareContext(this: Help, context) {
      const helpWidth = Math.min(context.helpWidth ?? COLUMNS, WIDEST);
      Help.prototype.prepareContext.call(this, { ...context, helpWidth });
    },
  });
  program.addHelpText('afterAll', ({ command }) => {
    const isGroup = command.parent !== null && command.commands.length > 0;
    const lines = isGroup ? [] : examplesOf(pathOf(command));
    return lines.length === 0 ? '' : ['', 'Examples:', ...lines.map((line) => `  $ ${line}`)].join('\n');
  });
}

/** Makes a sentence of what the table of commands says of an option. Descriptions of settings are sentences. */
function optionDescription(option: Option): string {
  const { description, defaultValue, helpGroupHeading } = option;
  if (helpGroupHeading === SETTINGS) return description;
  const text = /^[a-z]+\b(?!\d)/.test(description)
    ? `${description.charAt(0).toUpperCase()}${description.slice(1)}`
    : description;
  const sentence = /[.)]$/.test(text) ? text : `${text}.`;
  return typeof defaultValue === 'string' ? `${sentence} [${defaultValue}]` : sentence;
}

function placeholder(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
  return argument.required ? `<${name}>` : `[${name}]`;
}

/** Groups of options and commands, as commander makes them, but settings last. */
function ownFirst<T>(unsorted: T[], visible: T[], groupOf: (item: T) => string): Map<string, T[]> {
  const names = [...new Set(unsorted.map(groupOf))];
  const sorted = [...names.filter((name) => name !== SETTINGS), ...names.filter((name) => name === SETTINGS)];
  return new Map(sorted.map((name) => [name, visible.filter((item) => groupOf(item) === name)]));
}

/** A command with its groups, as it is typed: `cairn repo log`. */
export function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}
