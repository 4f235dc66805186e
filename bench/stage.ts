import { randomBytes } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { chmod, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Cgi, type ReferenceHost, startApache } from './apache.ts';
import { type CairnHost, type CairnOptions, type StoreKind, startCairn } from './cairn.ts';
import { type Dataset, type DatasetName, generate } from './generate.ts';
import type { Host, Upkeep } from './host.ts';
import { workFolder } from './paths.ts';

/** The two servers of a contest. */
export interface Hosts {
  readonly cairn: Host;
  readonly reference: Host;
}

/** Cairn and Apache themselves, with what only one of them can do. */
export interface OwnHosts extends Hosts {
  readonly cairn: CairnHost;
  readonly reference: ReferenceHost;
}

/** The addresses of one repository on both servers. */
export interface Urls {
  readonly cairn: string;
  readonly reference: string;
}

/**
 * What the rows share: servers started when first needed, data sets generated when first needed, and
 * repositories for reading that are filled once. Everything lives in one folder that `close` deletes.
 */
export class Stage {
  readonly folder: string;
  #servers = new Map<string, Promise<Host>>();
  #shared = new Map<Host, Map<string, Promise<string>>>();
  #names = 0;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async open(): Promise<Stage> {
    await removeAbandonedRuns();
    const folder = join(workFolder(), `run-${process.pid}-${randomBytes(4).toString('hex')}`);
    await mkdir(folder, { recursive: true });
    // Apache's account must be able to reach the repositories below.
    await chmod(folder, 0o755);
    return new Stage(folder);
  }

  /** The servers that all rows but the largest share. */
  async hosts(store: StoreKind, cgi: Cgi): Promise<Hosts> {
    const cairn = await this.#server(`cairn-${store}`, (folder) => startCairn(folder, store));
    const reference = await this.#server(`reference-${cgi}`, (folder) => startApache(folder, cgi));
    return { cairn, reference };
  }

  /** Two servers nobody else uses; the caller stops them. */
  async freshHosts(
    store: StoreKind,
    cgi: Cgi,
    options?: CairnOptions,
    referenceSettings?: Readonly<Record<string, string>>,
  ): Promise<OwnHosts> {
    const cairn = await startCairn(this.scratch('cairn'), store, options);
    const reference = await startApache(this.scratch('reference'), cgi, referenceSettings);
    return { cairn, reference };
  }

  dataset(name: DatasetName): Promise<Dataset> {
    return generate(workFolder(), name, this.scratch(`${name}-unfinished`));
  }

  /** A repository for reading only, on each of the two; filled on the first call and shared by all rows. */
  async shared(hosts: Hosts, name: DatasetName, upkeep: Upkeep = 'repacked'): Promise<Urls> {
    const dataset = await this.dataset(name);
    const once = (host: Host, identifier: string, fill: () => Promise<string>) => {
      const urls = this.#shared.get(host) ?? new Map<string, Promise<string>>();
      this.#shared.set(host, urls);
      const url = urls.get(identifier) ?? fill();
      urls.set(identifier, url);
      return url;
    };
    const { cairn, reference } = hosts;
    // Cairn either folds or does nothing, the reference is repacked at least.
    const onCairn = upkeep === 'as-pushed' ? `${name}-as-pushed` : name;
    const onReference = upkeep === 'bitmapped' ? `${name}-bitmapped` : name;
    return {
      cairn: await once(cairn, onCairn, () => cairn.add(onCairn, dataset, upkeep)),
      reference: await once(reference, onReference, () => reference.add(onReference, dataset, upkeep)),
    };
  }

  /** A filled repository of the caller's own on each of the two. */
  async filled(hosts: Hosts, name: DatasetName): Promise<Urls> {
    const dataset = await this.dataset(name);
    const identifier = this.#unique(name);
    return {
      cairn: await hosts.cairn.add(identifier, dataset),
      reference: await hosts.reference.add(identifier, dataset),
    };
  }

  /** A path in the run's folder nobody else uses; nothing is there yet. */
  scratch(name: string): string {
    return join(this.folder, this.#unique(name));
  }

  /** Stops the shared servers and deletes the folder. */
  async close(): Promise<void> {
    const started = await Promise.allSettled(this.#servers.values());
    await Promise.all(started.map((server) => (server.status === 'fulfilled' ? server.value.stop() : null)));
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Deletes the folder at once, for a run that is being ended; its servers must be dead. */
  discard(): void {
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }

  #server(name: string, start: (folder: string) => Promise<Host>): Promise<Host> {
    let server = this.#servers.get(name);
    if (server === undefined) {
      server = start(join(this.folder, name));
      this.#servers.set(name, server);
    }
    return server;
  }

  #unique(name: string): string {
    this.#names++;
    return `${name}-${this.#names}`;
  }
}

/** A run that was killed hard could not tidy up; its folder carries its process id. */
async function removeAbandonedRuns(): Promise<void> {
  if (!existsSync(workFolder())) return;
  for (const name of await readdir(workFolder())) {
    const pid = /^run-(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) {
      await rm(join(workFolder(), name), { recursive: true, force: true });
    }
  }
}
