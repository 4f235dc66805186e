import type { Command } from 'commander';
import type { GivenFlags } from '../config/given-flags.ts';
import type { CommandContext } from './command-context.ts';
import type { ImportFlags } from './import-options.ts';
import { side } from './mirror-command-line.ts';
import { several } from './several.ts';
import { reportUsageErrors } from './usage-errors.ts';

/** Adds `import`. What does the work is loaded when it is needed. */
export function addImportCommand(
  program: Command,
  context: CommandContext,
  prepare: (command: Command) => Command,
  given: (flags: Record<string, unknown>) => GivenFlags,
): void {
  const command = prepare(program.command('import <source> <repository>'));
  side(reportUsageErrors(command, context, process.argv), 'source')
    .description(
      'Bring a repository from elsewhere in, or up to date: into the store, or with --server through a server.',
    )
    .option('--branch <names>', 'only these branches, separated by commas', several)
    .option('--map <source:target>', 'only this ref, under another name', several)
    .option('--tags', 'tags, too; this is so unless branches are named')
    .option('--no-tags', 'no tags')
    .option('--all-refs', 'every ref, whatever its folder')
    .option('--exclude-ref-prefix <prefix>', 'no ref that begins with this', several)
    .option('--protocol <version>', "version of git's protocol for the source: auto, v0, v1 or v2", 'auto')
    .option('--object-format <format>', 'sha1 or sha256, of the repository; that of the source if absent')
    .option(
      '--work-folder <folder>',
      'where a conversion is kept until it is done; the system’s for temporary files if absent',
    )
    .option('--force', 'let branches be set back and tags move')
    .option('--prune', 'delete refs that the source does not have')
    .option('--best-effort', 'refs that are blocked do not stop the others')
    .option('--dry-run', 'say what would become of each ref, and change nothing')
    .option('--max-pack-bytes <size>', 'stop if a pack of the source is longer')
    .option('--pack-objects <count>', 'most objects of a pack; more come in several packs')
    .option('--json', 'print one JSON document, whatever happens')
    .option('--stats', 'print what went over the wire')
    .option('--measure', 'print time and memory, too')
    .action(async (source: string, repository: string, flags: ImportFlags & Record<string, unknown>) => {
      const { importRepository } = await import('./import.ts');
      await importRepository(source, repository, flags, given(flags), context);
    });
}
