/** The git commands behind downloads. */
import { isObjectId } from '../git/index.ts';
import { CairnError } from '../lib/errors.ts';
import { NICENESS, NO_ATTRIBUTES, RENAMES } from './browse-commands.ts';
import { checkedObjectId, type GitCommand } from './commands.ts';

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
    throw new CairnError('invalid', `${JSON.stringify(commit)} is not an object id`);
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

/** What a patch needs so that `git am` and `git apply` make the same tree of it. */
const WHOLE_PATCH = ['--binary', '--full-index', '--no-color', '--no-ext-diff', '--no-textconv', ...RENAMES];

/**
 * Prints commits as mails that `git am` takes, oldest first, without merges and without commits that change nothing. Reads
 * ids of commits, with a `^` for those whose history is left out, from standard input.
 */
export function printMails(gitDir: string): GitCommand {
  return {
    name: 'format-patch',
    args: ['--stdout', '--no-signature', ...WHOLE_PATCH, '--stdin'],
    config: [NO_ATTRIBUTES],
    variables: { GIT_DIR: gitDir },
    niceness: NICENESS,
  };
}

/** Prints one commit as such a mail, whatever it is: a merge as it differs from its first parent. Its id comes from standard input. */
export function printMail(gitDir: string): GitCommand {
  const merges = ['--diff-merges=first-parent', '--max-count=1'];
  return {
    name: 'log',
    // As the commit has its author: the mailmap may change, and the patch may not.
    args: [
      '--format=email',
      '--no-mailmap',
      '--stat',
      '--summary',
      '-p',
      ...merges,
      ...WHOLE_PATCH,
      '--stdin',
    ],
    config: [NO_ATTRIBUTES],
    variables: { GIT_DIR: gitDir },
    niceness: NICENESS,
  };
}

/** Prints how one tree differs from another, as `git apply` takes it. @param from and @param to whole object ids in hex */
export function printWholeDiff(gitDir: string, from: string, to: string): GitCommand {
  return {
    name: 'diff-tree',
    args: ['-r', '-p', ...WHOLE_PATCH, checkedObjectId(from), checkedObjectId(to)],
    config: [NO_ATTRIBUTES],
    variables: { GIT_DIR: gitDir },
    niceness: NICENESS,
  };
}
