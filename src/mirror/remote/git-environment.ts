/** Environments for a git, or an `ssh`, that works for a person, as that person's git would run it. */

/** Where git and its configuration are, which decides whether a folder of another user is read. */
const FOR_READING = /^(PATH|HOME|XDG_CONFIG_HOME|TMPDIR|GIT_EXEC_PATH|GIT_CONFIG_(GLOBAL|SYSTEM|NOSYSTEM))$/;

/** What says which repository git works on, and would lead it elsewhere: `git rev-parse --local-env-vars`. */
const OF_A_REPOSITORY =
  /^GIT_(DIR|WORK_TREE|COMMON_DIR|INDEX_FILE|OBJECT_DIRECTORY|ALTERNATE_OBJECT_DIRECTORIES|NAMESPACE|PREFIX|CONFIG|CONFIG_(PARAMETERS|COUNT|KEY_\d+|VALUE_\d+)|GRAFT_FILE|SHALLOW_FILE|REPLACE_REF_BASE|NO_REPLACE_OBJECTS|IMPLICIT_WORK_TREE|INTERNAL_SUPER_PREFIX|PROTOCOL)$/;

/** What an upload-pack on a folder gets: nothing but where git is and how it is configured. */
export function forReading(environment: Readonly<NodeJS.ProcessEnv>): NodeJS.ProcessEnv {
  const kept = Object.entries(environment).filter(([name]) => FOR_READING.test(name));
  // A repository whose objects are elsewhere must not make git connect to there.
  return { ...Object.fromEntries(kept), GIT_NO_LAZY_FETCH: '1', GIT_NO_REPLACE_OBJECTS: '1' };
}

/** Everything but what names another repository. `ssh` and the hooks of a repository may use it, as with git. */
export function withoutRepository(environment: Readonly<NodeJS.ProcessEnv>): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !OF_A_REPOSITORY.test(name)));
}
