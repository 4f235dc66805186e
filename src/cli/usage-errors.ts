import type { Command, CommanderError } from 'commander';
import type { CommandContext } from './command-context.ts';
import { ExitError } from './exit-error.ts';

/** Exit code for what cannot be asked for; that of the outcome `configuration`. */
const CONFIGURATION = 5;

/**
 * Makes a command, and those that are added below it later, report wrong arguments as they report everything else: with the exit code for
 * them, and as a JSON document when one was asked for.
 * @param argv the arguments of the program: a command line that cannot be read is searched for `--json`
 */
export function reportUsageErrors(
  command: Command,
  context: CommandContext,
  argv: readonly string[],
): Command {
  return command.configureOutput({ outputError: () => undefined }).exitOverride((error: CommanderError) => {
    // Help was asked for and printed.
    if (error.exitCode === 0 || error.code === 'commander.help') throw new ExitError(error.exitCode, '');
    const problem = error.message.replace(/^error: /, '');
    if (argv.includes('--json')) {
      context.print(JSON.stringify({ command: null, outcome: 'configuration', problem }, undefined, 2));
    }
    throw new ExitError(CONFIGURATION, problem);
  });
}
