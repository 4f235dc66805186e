import { Command, Option as CommanderOption } from 'commander';
import type { Option, OptionName } from '../config/options.ts';
import { type GivenFlags, optionsFor } from '../config/settings.ts';
import { VERSION } from '../version.ts';
import type { CommandContext } from './command-context.ts';
import { probe } from './probe.ts';
import { repoCreate, repoList, repoLog, repoRestore, repoSetHead, repoShow } from './repo.ts';
import { serve } from './serve.ts';

/** The table of commands: everything `cairn` can be asked to do. */
export function commandLine(context: CommandContext): Command {
  const program = new Command('cairn');
  program.description('Git hosting on nothing but an object store.').version(VERSION);

  withOptions(program.command('serve'), 'serve')
    .description('Run the server.')
    .action((flags) => serve(given(flags), context));

  withOptions(program.command('probe [store]'), 'all')
    .description('Prove that an object store keeps the promises Cairn builds on.')
    .option('--width <count>', 'writers in a race', '16')
    .option('--rounds <count>', 'races of each kind', '3')
    .option('--spacing <milliseconds>', 'time between writes of one key, for stores that limit them', '0')
    .option('--json', 'print JSON')
    .action((store, flags) => probe(store, flags, given(flags), context));

  const repo = program
    .command('repo')
    .description('Look at and change repositories; works beside a running server.');
  withOptions(repo.command('create <repository>'), 'all')
    .description('Make an empty repository, named <owner>/<identifier>.')
    .option('--object-format <format>', 'sha1 or sha256', 'sha1')
    .option('--head <branch>', 'the default branch', 'main')
    .action((name, flags) => repoCreate(name, flags, given(flags), context));
  withOptions(repo.command('list [owner]'), 'all')
    .description('List repositories.')
    .option('--json', 'print JSON')
    .action((owner, flags) => repoList(owner, flags, given(flags), context));
  withOptions(repo.command('show <repository>'), 'all')
    .description('Show the published state of a repository.')
    .option('--json', 'print JSON')
    .action((name, flags) => repoShow(name, flags, given(flags), context));
  withOptions(repo.command('log <repository>'), 'all')
    .description('Show the history of published states, newest first.')
    .option('--limit <count>', 'at most so many', '50')
    .option('--json', 'print JSON')
    .action((name, flags) => repoLog(name, flags, given(flags), context));
  withOptions(repo.command('restore <repository> <state>'), 'all')
    .description('Bring back an earlier state, given by depth or digest (see log), as a new one.')
    .action((name, state, flags) => repoRestore(name, state, given(flags), context));
  withOptions(repo.command('set-head <repository> <branch>'), 'all')
    .description('Point HEAD at another branch.')
    .action((name, branch, flags) => repoSetHead(name, branch, given(flags), context));
  return program;
}

function withOptions(command: Command, scope: Option['commands']): Command {
  for (const option of optionsFor(scope)) {
    const flag = new CommanderOption(
      `--${option.name} ${option.value}`,
      `${option.description} (${option.variable})`,
    );
    if (option.default !== '') flag.description += ` [${option.default}]`;
    command.addOption(flag);
  }
  return command;
}

/** Commander names flags in camel case; settings know them by their own names. */
function given(flags: Record<string, unknown>): GivenFlags {
  const result: GivenFlags = {};
  for (const [key, value] of Object.entries(flags)) {
    const name = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    if (typeof value === 'string') result[name as OptionName] = value;
  }
  return result;
}
