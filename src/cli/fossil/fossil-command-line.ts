import type { Command } from 'commander';
import type { GivenFlags } from '../../config/given-flags.ts';
import type { CommandContext } from '../command-context.ts';

type Flags = Record<string, unknown>;

/**
 * Adds the commands that talk to a server about its Fossil repositories. What does the work is loaded when it is needed.
 * @param fossil the command `fossil`
 * @param prepare adds the options of commands that talk to a server
 * @param given settings among the flags of a command
 */
export function addFossilCommands(
  fossil: Command,
  context: CommandContext,
  prepare: (command: Command) => Command,
  given: (flags: Flags) => GivenFlags,
): void {
  prepare(fossil.command('password <repository>'))
    .description('Print a user and a password for the fossil program, given the URL of a Fossil repository.')
    .option('--revoke', 'revoke all passwords of the repository instead')
    .option('--revoke-key <key>', 'revoke the passwords of one key instead')
    .option('--json', 'print JSON')
    .action(async (repository, flags) =>
      (await import('./fossil-password.ts')).fossilPassword(repository, flags, given(flags), context),
    );
}
