import type { Command } from 'commander';
import type { GivenFlags } from '../../config/given-flags.ts';
import type { CommandContext } from '../command-context.ts';
import type { AddFlags, CredentialFlags, KeptCommand } from './mirror-kept.ts';

type Kept = typeof import('./mirror-kept.ts');
type Flags = Record<string, unknown> & { readonly json?: boolean };

/**
 * Adds the commands for mirrors that a server keeps. What does the work is loaded when it is needed.
 * @param mirror the command `mirror`
 * @param prepare adds the options of commands that talk to a server
 * @param prepareForStore adds the options of commands that work on a store
 * @param given settings among the flags of a command
 */
export function addKeptMirrorCommands(
  mirror: Command,
  context: CommandContext,
  prepare: (command: Command) => Command,
  prepareForStore: (command: Command) => Command,
  given: (flags: Flags) => GivenFlags,
): void {
  const command = (usage: string, description: string) =>
    prepare(mirror.command(usage)).description(description).option('--json', 'print JSON');
  const asked = (repository: string, flags: Flags): KeptCommand => ({
    repository,
    flags: given(flags),
    json: flags.json === true,
  });
  const run = async (
    name: string,
    repository: string,
    flags: Flags,
    work: (kept: Kept, command: KeptCommand) => Promise<void>,
  ): Promise<void> => {
    const kept = await import('./mirror-kept.ts');
    const command = asked(repository, flags);
    await kept.reported(name, command, context, () => work(kept, command));
  };

  withCredential(
    command('add <repository> <name> <address>', 'Add a mirror to a repository; the server runs it.'),
  )
    .option('--push', 'send the repository to the address, instead of fetching from it')
    .option('--follow', 'make the repository equal to the address; nobody else can push then')
    .option('--overwrite', 'with --follow or --push: replace existing branches and tags')
    .option(
      '--prune',
      'with --push: delete and replace refs that only the address has, from the first run on',
    )
    .option('--no-prune', 'with --push: leave branches and tags that only the address has')
    .option('--every <time>', 'time between two runs: 300s, 15m, 6h, 1d')
    .action((repository: string, name: string, address: string, flags: Flags & AddFlags) =>
      run('add', repository, flags, (kept, asked) => kept.mirrorAdd(asked, name, address, flags, context)),
    );
  prepareForStore(command('list <repository>', 'List the mirrors of a repository.')).action(
    (repository: string, flags: Flags) =>
      run('list', repository, flags, (kept, asked) => kept.mirrorList(asked, context)),
  );
  prepareForStore(
    command('show <repository> <name>', 'Show a mirror, its condition and its last error.'),
  ).action((repository: string, name: string, flags: Flags) =>
    run('show', repository, flags, (kept, asked) => kept.mirrorShow(asked, name, context)),
  );
  command('remove <repository> <name>', 'Remove a mirror. What it has fetched or sent stays.').action(
    (repository: string, name: string, flags: Flags) =>
      run('remove', repository, flags, (kept, asked) => kept.mirrorRemove(asked, name, context)),
  );
  command('run <repository> <name>', 'Run a mirror now.')
    .option('--no-wait', 'do not wait for the result')
    .action((repository: string, name: string, flags: Flags & { readonly wait?: boolean }) =>
      run('run', repository, flags, (kept, asked) =>
        kept.mirrorRunNow(asked, name, { wait: flags.wait !== false }, context),
      ),
    );
  for (const action of ['pause', 'resume'] as const) {
    const description = action === 'pause' ? 'Stop a mirror until it is resumed.' : 'Let a mirror run again.';
    command(`${action} <repository> <name>`, description).action(
      (repository: string, name: string, flags: Flags) =>
        run(action, repository, flags, (kept, asked) => kept.mirrorChange(asked, name, action, context)),
    );
  }
  withCredential(
    command('credential <repository> <name>', 'Store another credential of a mirror, or remove it.'),
  ).action((repository: string, name: string, flags: Flags & CredentialFlags) =>
    run('credential', repository, flags, (kept, asked) => kept.mirrorCredential(asked, name, flags, context)),
  );
}

function withCredential(command: Command): Command {
  return command
    .option(
      '--remote-username <name>',
      'user name for the token in CAIRN_MIRROR_TOKEN. (CAIRN_MIRROR_USERNAME)',
    )
    .option(
      '--remote-key <file>',
      'sign for the remote, a Cairn server, with the key in this file. (CAIRN_MIRROR_KEY_FILE)',
    );
}
