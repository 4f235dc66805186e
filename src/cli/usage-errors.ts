import type { Command, CommanderError } from 'commander';
import type { CommandContext } from './command-context.ts';
import { ExitError } from './exit-error.ts';
import { pathOf } from './help.ts';

/** Exit code of commands that answer with an outcome, for what cannot be asked for; that of the outcome `configuration`. */
const CONFIGURATION = 5;

/**
 * Makes a command, and those that are added below it later, report wrong arguments as they report everything else: in one line,
 * which ends with where to look.
 */
export function reportUsageErrors(command: Command): Command {
  return command.configureOutput({ outputError: () => undefined }).exitOverride((error) => {
    throw usageError(rootOf(command), error, 1);
  });
}

/**
 * As {@link reportUsageErrors}, for commands that answer with an outcome: with the exit code for it, and as a JSON document when one
 * was asked for.
 */
export function reportUsageOutcomes(command: Command, context: CommandContext): Command {
  return command.exitOverride((error) => {
    const program = rootOf(command);
    const thrown = usageError(program, error, CONFIGURATION);
    if (thrown.message !== '' && asksForJson(program)) {
      const document = { command: null, outcome: 'configuration', problem: thrown.message };
      context.print(JSON.stringify(document, undefined, 2));
    }
    throw thrown;
  });
}

function usageError(program: Command, error: CommanderError, exitCode: number): ExitError {
  // Help or the version was asked for and printed, or help was printed because a group was named without a command.
  if (error.exitCode === 0 || error.code === 'commander.help') return new ExitError(error.exitCode, '');
  const [problem = '', advice = ''] = error.message.replace(/^error: /, '').split('\n');
  const text = [problem.replace(/\.$/, ''), advice].filter((part) => part !== '').join(' ');
  return new ExitError(exitCode, `${text}: see "${pathOf(namedCommand(program))} --help"`);
}

/** The command that the arguments name. */
function namedCommand(program: Command): Command {
  let named = program;
  for (const word of wordsOf(program)) {
    if (word !== 'help') named = named.commands.find((command) => command.name() === word) ?? named;
  }
  return named;
}

/** Whether a command line that cannot be read has the flag, also with a value, which is the very mistake then. */
function asksForJson(program: Command): boolean {
  return wordsOf(program).some((word) => word === '--json' || word.startsWith('--json='));
}

/** The arguments that are being read. */
function wordsOf(program: Command): readonly string[] {
  // What commander keeps is declared nowhere.
  return (program as Command & { readonly rawArgs?: readonly string[] }).rawArgs ?? [];
}

function rootOf(command: Command): Command {
  return command.parent === null ? command : rootOf(command.parent);
}
