import type { Command } from 'commander';
import type { GivenFlags } from '../../config/given-flags.ts';
import type { CommandContext } from '../command-context.ts';
import { reportUsageOutcomes } from '../usage-errors.ts';
import type { FossilShunFlags } from './fossil-shun.ts';
import type { FossilSyncCommand, FossilSyncFlags } from './fossil-sync.ts';

type Flags = FossilSyncFlags & Record<string, unknown>;

/**
 * Adds the commands that work with Fossil repositories in the store. What does the work is loaded when it is needed.
 * @param fossil the command that they belong to
 * @param prepare adds the options of commands that open the store
 * @param given settings among the flags of a command
 */
export function addFossilSyncCommands(
  fossil: Command,
  context: CommandContext,
  prepare: (command: Command) => Command,
  given: (flags: Record<string, unknown>) => GivenFlags,
): void {
  const add = (name: FossilSyncCommand, description: string) => {
    const command = prepare(fossil.command(`${name} <url> <repository>`)).description(description);
    reportUsageOutcomes(command, context);
    if (name === 'pull' || name === 'sync') {
      command.option('--verily', 'let the server announce everything it has');
    }
    command
      .option('--user <name>', 'log in as this user; the password is in CAIRN_FOSSIL_PASSWORD')
      .option('--http-user <name>', 'user for HTTP authentication, with CAIRN_FOSSIL_HTTP_PASSWORD')
      .option('--private', 'also private artifacts, if the server allows it')
      .option('--no-unversioned', 'no unversioned files')
      .option('--follow-redirects', 'let the server redirect to another host')
      .option('--insecure', 'accept any certificate')
      .option('--json', 'print one JSON document, also after an error')
      .action(async (url: string, repository: string, flags: Flags) => {
        const { fossilSync } = await import('./fossil-sync.ts');
        await fossilSync({ command: name, url, repository, flags }, given(flags), context);
      });
  };
  add('clone', 'Import a Fossil project as a new repository.');
  add('pull', 'Fetch new artifacts from another Fossil server.');
  add('push', 'Send new artifacts to another Fossil server.');
  add('sync', 'Pull and push at once.');
  prepare(fossil.command('verify <repository>'))
    .description('Expand every artifact of a repository and compare it with its name.')
    .option('--json', 'print JSON')
    .action(async (repository: string, flags: Record<string, unknown> & { readonly json?: boolean }) =>
      (await import('./fossil-verify.ts')).fossilVerify(repository, flags, given(flags), context),
    );
  prepare(fossil.command('shun <repository> [artifacts...]'))
    .description('Never send or take in some artifacts again. Without artifacts, list those.')
    .option('--undo', 'shun them no more')
    .option('--json', 'print JSON')
    .action(
      async (repository: string, artifacts: string[], flags: Record<string, unknown> & FossilShunFlags) =>
        (await import('./fossil-shun.ts')).fossilShun(repository, artifacts, flags, given(flags), context),
    );
}
