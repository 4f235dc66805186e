import { access } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Service } from '../../git/index.ts';
import { CairnError, systemCode } from '../../lib/errors.ts';
import { withoutUsers } from '../../outbound/secrets.ts';
import type { TrafficObserver } from '../../outbound/traffic.ts';
import type { WaitingTimes } from '../../outbound/waiting-times.ts';
import { BundleSession, isBundleFile } from './bundle-session.ts';
import type { Connection, OpenOptions, Session } from './connection.ts';
import { forReading, withoutRepository } from './git-environment.ts';
import { ProcessSession } from './process-session.ts';
import type { RemoteAddress } from './remote-address.ts';
import { type ProgramToRun, RemoteProcess } from './remote-process.ts';

export interface LocalConnectionOptions {
  readonly address: RemoteAddress & { readonly kind: 'local' };
  /** The git to run; a name is looked up in PATH. */
  readonly git: string;
  /** The environment of the caller. */
  readonly environment: Readonly<NodeJS.ProcessEnv>;
  readonly onMessage: (line: string) => void;
  readonly waitingTimes: WaitingTimes;
  readonly traffic: TrafficObserver;
}

/** A repository in a folder of this machine, served by the git that is installed here, or a bundle file. */
export class LocalConnection implements Connection {
  readonly address: RemoteAddress;
  private readonly options: LocalConnectionOptions;

  constructor(options: LocalConnectionOptions) {
    this.options = options;
    this.address = options.address;
  }

  redact(text: string): string {
    return withoutUsers.redact(text);
  }

  async open(service: Service, { version, signal }: OpenOptions): Promise<Session> {
    signal.throwIfAborted();
    const { address, onMessage, waitingTimes, traffic } = this.options;
    if (await isBundleFile(address.path)) {
      if (service === 'git-upload-pack') return BundleSession.open(address.path, traffic);
      throw new CairnError('invalid', `${address.path} is a bundle: it can be read, not pushed to`);
    }
    if (!(await isThere(address.path))) throw new CairnError('not-found', missing(address.path));
    const process = new RemoteProcess(this.program(service, version), onMessage, this.redact);
    return new ProcessSession({ process, name: service, where: address.path, signal, waitingTimes, traffic });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Each session has a process of its own.
  }

  private program(service: Service, version: number): ProgramToRun {
    const { git, address, environment } = this.options;
    const isReading = service === 'git-upload-pack';
    // Filters are off by default, and harmless for a process of our own.
    const settings = isReading ? ['-c', 'uploadpack.allowFilter=true'] : [];
    // The hooks of a repository run at a push, as with git.
    const kept = isReading ? forReading(environment) : withoutRepository(environment);
    return {
      file: git,
      // An absolute path never looks like an option.
      args: [...settings, service.slice('git-'.length), resolve(address.path)],
      ownGroup: true,
      env: { ...kept, LC_ALL: 'C', ...(version > 0 ? { GIT_PROTOCOL: `version=${version}` } : {}) },
    };
  }
}

/** A repository is found with `.git` at its end, too, as git does. What may not be looked at is there: git says what is wrong with it. */
async function isThere(path: string): Promise<boolean> {
  for (const place of [path, `${path}.git`]) {
    const code = await access(place).then(() => undefined, systemCode);
    if (code !== 'ENOENT' && code !== 'ENOTDIR') return true;
  }
  return false;
}

/** What to say of a path that leads nowhere. Without a scheme, the address of a host is a path. */
function missing(path: string): string {
  const isLikeHost = /^([a-z0-9-]+\.)+[a-z]{2,}\/./i.test(path);
  const hint = isLikeHost ? `. If a host is meant, write https://${path}` : '';
  return `there is nothing at the path ${path}${hint}`;
}
