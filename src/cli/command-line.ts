import { Command, Option as CommanderOption } from 'commander';
import { type GivenFlags, optionsFor } from '../config/given-flags.ts';
import type { Option, OptionName } from '../config/options.ts';
import { unknownVariables, unknownVariableWarning } from '../config/unknown-variables.ts';
import { VERSION } from '../server/version.ts';
import type { CommandContext } from './command-context.ts';
import { addFossilCommands } from './fossil/fossil-command-line.ts';
import { addFossilSyncCommands } from './fossil/fossil-sync-command-line.ts';
import { formatHelp, SETTINGS } from './help.ts';
import { addHelpCommands } from './help-command.ts';
import { addImportCommand } from './import/import-command-line.ts';
import { addMirrorCommands } from './mirror/mirror-command-line.ts';
import { addKeptMirrorCommands } from './mirror/mirror-kept-command-line.ts';
import { printing } from './printable.ts';
import { several } from './several.ts';
import { reportUsageErrors } from './usage-errors.ts';

/**
 * The table of all commands of `cairn`. What does their work is loaded on demand: git runs this program at each push to get a
 * credential, and a mirror of a small repository takes less time than loading everything would.
 */
export function commandLine(terminal: CommandContext): Command {
  const context = printing(terminal);
  const program = reportUsageErrors(new Command('cairn'));
  formatHelp(program);
  program.description('A git server that keeps everything in an object store.').version(VERSION);
  program.hook('preAction', (_, command) => {
    inheritOptions(command);
    warnOfVariables(command, context);
  });

  program.commandsGroup('On a store, for operators:');
  withOptions(program.command('serve'), 'serve')
    .description('Run the server.')
    .action(async (flags) => (await import('./serve.ts')).serve(given(flags), context));

  withOptions(program.command('probe [store]'), 'all')
    .description('Check that an object store keeps the promises that Cairn relies on.')
    .option('--width <count>', 'writers in a race', '16')
    .option('--rounds <count>', 'races of each kind', '3')
    .option('--spacing <milliseconds>', 'time between writes of one key, for stores that limit them', '0')
    .option('--json', 'print JSON')
    .action(async (store, flags) => (await import('./probe.ts')).probe(store, flags, given(flags), context));

  withOptions(program.command('bundle <repository>'), 'all')
    .description('Make a bundle of the folded pack, for servers that offload clones (bundle-uri).')
    .action(async (name, flags) =>
      (await import('./repository/bundle.ts')).bundle(name, given(flags), context),
    );

  const repo = withOptions(program.command('repo'), 'all').description(
    'Show and change repositories; works beside a running server.',
  );
  withOptions(repo.command('create <repository>'), 'all')
    .description('Create an empty repository, named <owner>/<identifier>.')
    .option('--object-format <format>', 'sha1 or sha256', 'sha1')
    .option('--head <branch>', 'the default branch', 'main')
    .option('--fossil', 'a repository of Fossil instead of git')
    .option(
      '--project-code <code>',
      'of the Fossil project that comes here; without it the first push sets it',
    )
    .action(async (name, flags) =>
      (await import('./repository/repo.ts')).repoCreate(name, flags, given(flags), context),
    );
  withOptions(repo.command('list [owner]'), 'all')
    .description('List repositories.')
    .option('--json', 'print JSON')
    .action(async (owner, flags) =>
      (await import('./repository/repo.ts')).repoList(owner, flags, given(flags), context),
    );
  withOptions(repo.command('show <repository>'), 'all')
    .description('Show the published state of a repository.')
    .option('--json', 'print JSON')
    .action(async (name, flags) =>
      (await import('./repository/repo.ts')).repoShow(name, flags, given(flags), context),
    );
  withOptions(repo.command('log <repository>'), 'all')
    .description('Show the history of published states, newest first.')
    .option('--limit <count>', 'maximum number', '50')
    .option('--json', 'print JSON')
    .action(async (name, flags) =>
      (await import('./repository/repo.ts')).repoLog(name, flags, given(flags), context),
    );
  withOptions(repo.command('restore <repository> <state>'), 'all')
    .description('Publish an earlier state again, given by depth or digest (see log).')
    .action(async (name, state, flags) =>
      (await import('./repository/repo.ts')).repoRestore(name, state, given(flags), context),
    );
  withOptions(repo.command('set-head <repository> <branch>'), 'all')
    .description('Point HEAD at another branch.')
    .action(async (name, branch, flags) =>
      (await import('./repository/repo.ts')).repoSetHead(name, branch, given(flags), context),
    );

  withOptions(program.command('fold [repository]'), 'all')
    .description('Combine the packs of a repository into one; works beside a running server.')
    .option('--all', 'every repository that has enough packs')
    .action(async (name, flags) =>
      (await import('./repository/fold.ts')).fold(name, flags, given(flags), context),
    );

  program.commandsGroup('At a server, for its users:');
  addClientCommands(program, context);
  program.commandsGroup('Between hosts:');
  const ofClient = (command: Command) => withOptions(command, 'client');
  const fossil = ofClient(program.command('fossil')).description('Work with Fossil repositories.');
  const ofStore = (command: Command) => withOptions(command, 'all');
  addFossilSyncCommands(fossil, context, ofStore, given);
  addFossilCommands(fossil, context, ofClient, given);
  const mirror = addMirrorCommands(program, context, ofClient);
  addKeptMirrorCommands(mirror, context, ofClient, ofStore, given);
  addImportCommand(program, context, (command) => withOptions(withOptions(command, 'all'), 'client'), given);
  addHelpCommands(program);
  return program;
}

/** The commands that talk to a server. */
function addClientCommands(program: Command, context: CommandContext): void {
  const key = withOptions(program.command('key'), 'client').description(
    'Create and show the secret key you sign with.',
  );
  withOptions(key.command('new'), 'client')
    .description('Create a secret key.')
    .action(async (flags) => (await import('./credential/key.ts')).keyNew(given(flags), context));
  withOptions(key.command('show'), 'client')
    .description('Show the public key.')
    .option('--json', 'print JSON')
    .action(async (flags) => (await import('./credential/key.ts')).keyShow(flags, given(flags), context));

  withOptions(program.command('announce <identifier>'), 'client')
    .description('Announce a repository, or change its announcement. Facts without an option stay.')
    .option('--name <text>', 'its name')
    .option('--description <text>', 'its description')
    .option('--web <url>', 'a web page; the given pages replace the old ones', several)
    .option('--maintainer <key>', 'add a key that can push', several)
    .option('--remove-maintainer <key>', 'remove a key that can push', several)
    .option(
      '--protect <pattern-and-rules>',
      '"<pattern> <rule> …", replaces older rules of the pattern',
      several,
    )
    .option('--unprotect <pattern>', 'remove the rules of a pattern', several)
    .option('--private', 'only readers, maintainers and you can read it')
    .option('--public', 'everybody can read it')
    .option('--reader <key>', 'add a key that can read a private repository', several)
    .option('--remove-reader <key>', 'remove a key that can read', several)
    .option('--object-format <format>', 'sha1 or sha256, for a new repository')
    .option('--earliest-commit <commit>', 'the commit that identifies the project, usually its root')
    .option('--grasp', 'also take pushes by signed states (GRASP)')
    .option('--fossil', 'a repository of Fossil instead of git, if it is new')
    .action(async (identifier, flags) =>
      (await import('./repository/announce.ts')).announce(identifier, flags, given(flags), context),
    );
  withOptions(program.command('withdraw <identifier>'), 'client')
    .description('Withdraw the announcement of a repository, which ends the repository.')
    .action(async (identifier, flags) =>
      (await import('./repository/announce.ts')).withdraw(identifier, given(flags), context),
    );

  // Git appends the operation to the value of `credential.helper`, so options come before it.
  const credential = withOptions(program.command('credential'), 'client').description(
    'Authenticate pushes: a git credential helper.',
  );
  credential
    .argument('[operation]', 'the operation that git asks for')
    .action(async (operation) =>
      (await import('./credential/credential.ts')).credentialOther(operation, process.stdin),
    );
  withOptions(credential.command('get'), 'client')
    .description('Answer a request of git on standard input.')
    .action(async (flags) =>
      (await import('./credential/credential.ts')).credentialGet(given(flags), context, process.stdin),
    );
  for (const operation of ['store', 'erase']) {
    withOptions(credential.command(operation), 'client')
      .description('Does nothing: each credential is new, and none is stored.')
      .action(async () => (await import('./credential/credential.ts')).credentialNote(process.stdin));
  }
  withOptions(credential.command('install'), 'client')
    .description('Configure git to ask this helper for credentials of the server.')
    .action(async (flags) => {
      const { credentialInstall } = await import('./credential/credential-install.ts');
      return credentialInstall(given(flags), context, process.argv.slice(0, 2));
    });

  withOptions(program.command('open <repository>'), 'client')
    .description('Print a link that signs a browser in, once, and shows a repository, given its URL.')
    .option('--browser', 'also open it in the browser of this desktop')
    .option('--json', 'print JSON')
    .action(async (repository, flags) =>
      (await import('./open.ts')).open(repository, flags, given(flags), context),
    );

  withOptions(program.command('events'), 'client')
    .description('Print the events that the server has, newest first.')
    .option('--id <id>', 'with this id', several)
    .option('--kind <kind>', 'of this kind: a number, or a name such as repository-state', several)
    .option('--author <key>', 'by this author', several)
    .option('--repository <repository>', 'about this repository, <owner>/<identifier>')
    .option('--tag <letter=value>', 'with a tag of this value', several)
    .option('--since <time>', 'not older than this: seconds since 1970, or a date')
    .option('--until <time>', 'not newer than this')
    .option('--limit <count>', 'maximum number', '100')
    .option('--json', 'print events as signed, one per line')
    .action(async (flags) => (await import('./events.ts')).events(flags, given(flags), context));
}

function withOptions(command: Command, scope: Option['commands']): Command {
  for (const option of optionsFor(scope)) {
    const flag = new CommanderOption(
      `--${option.name} ${option.value}`,
      `${withoutLinks(option.description)} (${option.variable})`,
    );
    flag.helpGroup(SETTINGS);
    if (option.default !== '') flag.description += ` [${option.default}]`;
    command.addOption(flag);
  }
  return command;
}

/** Descriptions are Markdown, for the reference page. On a terminal nobody can follow the links. */
function withoutLinks(markdown: string): string {
  return markdown.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1');
}

/**
 * Options may stand before or after the name of the operation (`repo --store x list`): a group accepts both and
 * passes them on.
 */
function inheritOptions(command: Command): void {
  for (let group = command.parent; group !== null; group = group.parent) {
    for (const [name, value] of Object.entries(group.opts())) command.setOptionValue(name, value);
  }
}

/** A server logs the warning instead. The credential helper does not warn, because git would show it at every push. */
function warnOfVariables(command: Command, context: CommandContext): void {
  if (command.name() === 'serve' || command.parent?.name() === 'credential') return;
  for (const variable of unknownVariables(context.environment))
    context.warn(unknownVariableWarning(variable));
}

/** Commander names flags in camel case; settings use the names of the options. */
function given(flags: Record<string, unknown>): GivenFlags {
  const result: GivenFlags = {};
  for (const [key, value] of Object.entries(flags)) {
    const name = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    if (typeof value === 'string') result[name as OptionName] = value;
  }
  return result;
}
