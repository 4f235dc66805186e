import { type Command, Option as CommanderOption } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { several } from '../several.ts';
import { reportUsageOutcomes } from '../usage-errors.ts';
import type { EndpointReader } from './mirror.ts';
import type { MirrorFlags } from './mirror-flags.ts';

/**
 * Adds `mirror` and what is below it. What does the work is loaded when it is needed.
 * @returns the command `mirror`
 */
export function addMirrorCommands(
  program: Command,
  context: CommandContext,
  prepare: (command: Command) => Command,
): Command {
  const mirror = reportUsageOutcomes(prepare(program.command('mirror')), context).description(
    'Copy refs and objects from one remote repository to another.',
  );
  const add = (name: string, description: string) => {
    const command = prepare(mirror.command(`${name} <source> <target>`)).description(description);
    return side(side(limits(policy(scope(command), name)), 'source'), 'target');
  };
  const run = (command: string) => async (source: string, target: string, flags: Flags) => {
    const { mirrorRun } = await import('./mirror.ts');
    await mirrorRun({ command, source, target, endpoint: await endpoints(flags, context), flags }, context);
  };
  add('plan', 'Print the planned change of each ref, with the reason; send nothing.').action(run('plan'));
  add('sync', 'Move branches forward and create what is missing.').action(run('sync'));
  add('replicate', 'Make the target equal to the source.').action(run('replicate'));
  add('bootstrap', 'Fill a target that has none of the refs.').action(run('bootstrap'));
  side(side(output(scope(prepare(mirror.command('probe <source> [target]')))), 'source'), 'target')
    .description('List refs and capabilities.')
    .action(async (source: string, target: string | undefined, flags: Flags) => {
      const { mirrorProbe } = await import('./mirror.ts');
      const endpoint = await endpoints(flags, context);
      await mirrorProbe({ command: 'probe', source, target, endpoint, flags }, context);
    });
  side(output(scope(prepare(mirror.command('fetch <source>')))), 'source')
    .description('Fetch a pack and discard it, to test the source.')
    .option('--have <id>', 'claim to have this object', several)
    .option('--have-ref <ref>', 'claim to have the objects of this ref of the source', several)
    .action(async (source: string, flags: Flags & { have?: string[]; haveRef?: string[] }) => {
      const { mirrorFetch } = await import('./mirror.ts');
      const endpoint = await endpoints(flags, context);
      await mirrorFetch({ command: 'fetch', source, target: undefined, endpoint, flags }, flags, context);
    });
  return mirror;
}

type Flags = MirrorFlags & Record<string, unknown>;

async function endpoints(flags: Flags, context: CommandContext): Promise<EndpointReader> {
  const { endpointReader } = await import('./mirror-endpoint.ts');
  return endpointReader(flags, context);
}

function scope(command: Command): Command {
  return command
    .option('--branch <names>', 'only these branches, separated by commas', several)
    .option('--map <source:target>', 'only this ref, with another name', several)
    .option('--tags', 'also tags')
    .option('--all-refs', 'every ref, including tags')
    .option('--exclude-ref-prefix <prefix>', 'no ref that begins with this', several)
    .option('--protocol <version>', "version of git's protocol for the source: auto, v0, v1 or v2", 'auto');
}

function policy(command: Command, name: string): Command {
  if (name === 'plan') command.option('--mode <mode>', 'plan a sync, a replicate or a bootstrap', 'sync');
  if (name === 'plan' || name === 'sync') {
    command
      .option('--force', 'allow branches to be rewound and tags to move')
      .addOption(new CommanderOption('--force-with-lease', 'the same: what was listed is always compared'));
  }
  if (name !== 'bootstrap') command.option('--prune', 'delete refs that the source does not have');
  return output(command).option('--best-effort', 'refs that are blocked or refused do not stop the others');
}

function limits(command: Command): Command {
  return command
    .option('--max-pack-bytes <size>', 'stop if the pack of the source is larger')
    .option(
      '--target-max-pack-bytes <size>',
      'send no longer body to the target: large histories go in batches',
    )
    .option(
      '--target-max-ref-updates <count>',
      'maximum number of ref updates in one request to the target',
      '5000',
    );
}

function output(command: Command): Command {
  return command
    .option('--json', 'print one JSON document, also after an error')
    .option('--stats', 'print the traffic')
    .option('--measure', 'print time and memory');
}

/** How one side is reached. */
export function side(command: Command, name: 'source' | 'target'): Command {
  const variable = `CAIRN_${name.toUpperCase()}`;
  return command
    .option(
      `--${name}-username <name>`,
      `user name for the token in ${variable}_TOKEN. (${variable}_USERNAME)`,
    )
    .option(
      `--${name}-key <file>`,
      `file with the secret key to sign with, for a Cairn server. (${variable}_KEY_FILE)`,
    )
    .option(`--${name}-follow-redirects`, 'let it redirect to another host; credentials stay behind')
    .option(`--${name}-insecure`, 'accept any certificate');
}
