/** The git commands behind downloads. */
import { isObjectId } from '../git/index.ts';
import { CairnError } from '../lib/errors.ts';
import { NICENESS } from './browse-commands.ts';
import type { GitCommand } from './commands.ts';

/** The formats that git packs archives in. */
export type GitArchiveFormat = 'tar' | 'tar.gz' | 'zip';

/** A program that always fails, for checks of signatures: files may ask for one at every line (`export-subst`). */
const NO_PROGRAM = '/bin/false';

/**
 * Prints the files of a commit as an archive.
 * @param reflessDir a bare repository without objects and refs (see `refless-folder`): what is in an archive depends on its
 *   commit alone, even where files ask for names of refs (gitattributes(5), `export-subst`)
 * @param objects the folder of objects
 * @param prefix name of the folder that everything is in; an argument, so only the characters of {@link PREFIX}
 */
export function archiveCommit(
  reflessDir: string,
  objects: string,
  commit: string,
  format: GitArchiveFormat,
  prefix: string,
): GitCommand {
  if (!isObjectId(commit, 'sha1') && !isObjectId(commit, 'sha256')) {
    throw new CairnError('invalid', `${JSON.stringify(commit)} is no object id`);
  }
  if (!PREFIX.test(prefix)) throw new CairnError('invalid', `an archive cannot have the prefix ${prefix}`);
  return {
    name: 'archive',
    args: [`--format=${format}`, `--prefix=${prefix}/`, commit],
    config: ['gpg', 'gpg.openpgp', 'gpg.x509', 'gpg.ssh'].map(
      (name) => [`${name}.program`, NO_PROGRAM] as const,
    ),
    // Dates in a ZIP are local.
    variables: { GIT_DIR: reflessDir, GIT_OBJECT_DIRECTORY: objects, TZ: 'UTC' },
    niceness: NICENESS,
  };
}

/** What may be the name of an archive's folder. */
export const PREFIX = /^[A-Za-z0-9_][A-Za-z0-9._+-]{0,199}$/;
