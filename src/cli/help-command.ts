import type { Command } from 'commander';

/**
 * Adds `help [command...]` to a program and its groups. Call it when all commands are there. Commander's own prints the help of the
 * group for a command that does not exist, and ignores further words.
 */
export function addHelpCommands(group: Command): void {
  if (group.commands.length === 0) return;
  for (const command of group.commands) addHelpCommands(command);
  group.helpCommand(false);
  group
    .command('help [command...]')
    .description('Display help for command.')
    .action((names: readonly string[]) => {
      let found = group;
      for (const name of names) {
        const next = found.commands.find((command) => command.name() === name);
        found = next ?? found.error(`unknown command '${name}'`, { code: 'commander.unknownCommand' });
      }
      found.outputHelp();
    });
}
