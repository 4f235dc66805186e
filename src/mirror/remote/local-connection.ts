import { resolve } from 'node:path';
import type { Service } from '../../git/index.ts';
import type { Connection, OpenOptions, Session } from './connection.ts';
import { ProcessSession } from './process-session.ts';
import type { RemoteAddress } from './remote-address.ts';
import { type ProgramToRun, RemoteProcess } from './remote-process.ts';

export interface LocalConnectionOptions {
  readonly address: RemoteAddress & { readonly kind: 'local' };
  /** The git to run; a name is looked up in PATH. */
  readonly git: string;
  /** The environment of whoever asks. */
  readonly environment: Readonly<NodeJS.ProcessEnv>;
  readonly onMessage: (line: string) => void;
}

/** A repository in a folder of this machine, served by the git that is installed here. */
export class LocalConnection implements Connection {
  readonly address: RemoteAddress;
  private readonly options: LocalConnectionOptions;

  constructor(options: LocalConnectionOptions) {
    this.options = options;
    this.address = options.address;
  }

  async open(service: Service, { version, signal }: OpenOptions): Promise<Session> {
    signal.throwIfAborted();
    const { address, onMessage } = this.options;
    const process = new RemoteProcess(this.program(service, version), onMessage);
    return new ProcessSession({ process, name: service, where: address.path, signal });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Each session has a process of its own.
  }

  private program(service: Service, version: number): ProgramToRun {
    const { git, address, environment } = this.options;
    const kept =
      service === 'git-upload-pack' ? readingEnvironment(environment) : writingEnvironment(environment);
    return {
      file: git,
      // An absolute path never looks like an option. Filters are off by default, and harmless for a process of our own.
      args: ['-c', 'uploadpack.allowFilter=true', service.slice('git-'.length), resolve(address.path)],
      env: { ...kept, LC_ALL: 'C', ...(version > 0 ? { GIT_PROTOCOL: `version=${version}` } : {}) },
    };
  }
}

/** What upload-pack gets: where git and its configuration are, which decides whether a folder of another user is read. */
const FOR_READING = /^(PATH|HOME|XDG_CONFIG_HOME|TMPDIR|GIT_EXEC_PATH|GIT_CONFIG_(GLOBAL|SYSTEM|NOSYSTEM))$/;

/** What says which repository git works on, and would lead it elsewhere: `git rev-parse --local-env-vars`. */
const OF_A_REPOSITORY =
  /^GIT_(DIR|WORK_TREE|COMMON_DIR|INDEX_FILE|OBJECT_DIRECTORY|ALTERNATE_OBJECT_DIRECTORIES|NAMESPACE|PREFIX|CONFIG|CONFIG_(PARAMETERS|COUNT|KEY_\d+|VALUE_\d+)|GRAFT_FILE|SHALLOW_FILE|REPLACE_REF_BASE|NO_REPLACE_OBJECTS|IMPLICIT_WORK_TREE|INTERNAL_SUPER_PREFIX|PROTOCOL)$/;

function readingEnvironment(environment: Readonly<NodeJS.ProcessEnv>): NodeJS.ProcessEnv {
  const kept = Object.entries(environment).filter(([name]) => FOR_READING.test(name));
  // A repository whose objects are elsewhere must not make git connect to there.
  return { ...Object.fromEntries(kept), GIT_NO_LAZY_FETCH: '1', GIT_NO_REPLACE_OBJECTS: '1' };
}

/** The hooks of a repository run at a push, as with git, and may use the environment. */
function writingEnvironment(environment: Readonly<NodeJS.ProcessEnv>): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !OF_A_REPOSITORY.test(name)));
}
