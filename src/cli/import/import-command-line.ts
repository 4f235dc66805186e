import type { Command } from 'commander';
import type { GivenFlags } from '../../config/given-flags.ts';
import type { CommandContext } from '../command-context.ts';
import { side } from '../mirror/mirror-command-line.ts';
import { several } from '../several.ts';
import { reportUsageOutcomes } from '../usage-errors.ts';
import type { ImportFlags } from './import-options.ts';

/** Adds `import`. What does the work is loaded when it is needed. */
export function addImportCommand(
  program: Command,
  context: CommandContext,
  prepare: (command: Command) => Command,
  given: (flags: Record<string, unknown>) => GivenFlags,
): void {
  const command = prepare(program.command('import <source> <repository>'));
  side(reportUsageOutcomes(command, context), 'source')
    .description(
      'Import a repository from another host, or update it: into the store, or with --server through a server.',
    )
    .option('--branch <names>', 'only these branches, separated by commas', several)
    .option('--map <source:target>', 'only this ref, with another name', several)
    .option('--tags', 'also tags; the default unless branches are named')
    .option('--no-tags', 'no tags')
    .option('--all-refs', 'every ref, including tags')
    .option('--exclude-ref-prefix <prefix>', 'no ref that begins with this', several)
    .option('--protocol <version>', "version of git's protocol for the source: auto, v0, v1 or v2", 'auto')
    .option('--object-format <format>', 'sha1 or sha256, of the repository; that of the source if absent')
    .option(
      '--work-folder <folder>',
      'where a conversion is kept until it is done; the system’s for temporary files if absent',
    )
    .option('--force', 'allow branches to be rewound and tags to move')
    .option('--prune', 'delete refs that the source does not have')
    .option('--best-effort', 'refs that are blocked do not stop the others')
    .option('--dry-run', 'print the planned change of each ref, and change nothing')
    .option('--max-pack-bytes <size>', 'stop if a pack of the source is larger')
    .option('--pack-objects <count>', 'most objects of a pack; a larger source comes in several packs')
    .option('--json', 'print one JSON document, also after an error')
    .option('--stats', 'print the traffic')
    .option('--measure', 'print time and memory')
    .action(async (source: string, repository: string, flags: ImportFlags & Record<string, unknown>) => {
      const { importRepository } = await import('./import.ts');
      await importRepository(source, repository, flags, given(flags), context);
    });
}
