/** Operations of people on mirrors: add, show, pause, remove. The caller has checked their rights. */
import type { Clock } from '../../lib/clock.ts';
import { CairnError } from '../../lib/errors.ts';
import type { Random } from '../../lib/random.ts';
import type { ObjectStore } from '../../object-store/object-store.ts';
import type { NamedMirror, PublishedGitState } from '../../repository/git/git-manifest.ts';
import type { GitRepository } from '../../repository/git/git-repository.ts';
import { mirrorLeaseKey } from '../../repository/keys.ts';
import { MirrorIndex } from '../../repository/records/mirror-index.ts';
import {
  type KeptMirror,
  type KeptPull,
  type MirrorProgress,
  MOST_MIRRORS,
} from '../../repository/records/mirrors-record.ts';
import type { RepositoryId } from '../../repository/repository-id.ts';
import { isSameRepository, parseRemoteAddress } from '../remote/remote-address.ts';
import { checkFollowing, mark, unmark } from './mirror-mark.ts';
import { MirrorRecords } from './mirror-records.ts';
import { type MirrorView, mirrorView } from './mirror-view.ts';
import { type MirrorCredential, type NewMirror, parseCredential, parseNewMirror } from './new-mirror.ts';
import type { SealedCredentials } from './sealed-credentials.ts';

export interface KeptMirrorsContext {
  readonly control: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly seals: SealedCredentials;
  /** Shortest interval, in seconds. */
  readonly shortest: number;
  /** The URLs of a repository on this service. */
  readonly ownUrls: (id: RepositoryId) => readonly string[];
  /**
   * Checks that a credential may be sent to an address.
   * @throws CairnError `invalid` when anybody on the way could read it
   */
  readonly checkSecrecy: (address: string) => void;
  /**
   * Checks that a host may be connected to, as far as that can be said without a look-up.
   * @throws CairnError `forbidden`
   */
  readonly checkHost: (address: string) => void;
  /** Called when the mirrors of a repository have changed. */
  readonly onChanged: (id: RepositoryId) => void;
}

const NOT_RUN: Omit<MirrorProgress, 'due'> = {
  failures: 0,
  lastRun: null,
  lastSuccess: null,
  lastError: null,
  mirrored: null,
  behindSince: null,
};

export class KeptMirrors {
  private readonly context: KeptMirrorsContext;
  private readonly mirrorRecords: MirrorRecords;
  private readonly index: MirrorIndex;

  constructor(context: KeptMirrorsContext) {
    this.context = context;
    this.mirrorRecords = new MirrorRecords(context);
    this.index = new MirrorIndex(context);
  }

  /** The mirrors of a repository, by name. */
  async list({ id }: GitRepository): Promise<MirrorView[]> {
    const mirrors = await this.mirrorRecords.read(id);
    return mirrors.filter(({ removing }) => !removing).map((mirror) => mirrorView(mirror, this.now()));
  }

  /** @throws CairnError `not-found` */
  async show({ id }: GitRepository, name: string): Promise<MirrorView> {
    return mirrorView(mustFind(await this.mirrorRecords.read(id), name), this.now());
  }

  /**
   * Adds a mirror, which runs soon.
   * @param wanted from JSON, see `new-mirror.ts`
   * @param by the key that adds it and that may push; null for an operator
   * @throws CairnError `invalid`, `conflict`, `forbidden`, `too-large`, `not-found` with a text for people; as the store
   * and the publisher
   */
  async add(repository: GitRepository, wanted: unknown, by: string | null): Promise<MirrorView> {
    const mirror = parseNewMirror(wanted, this.context);
    const { id } = repository;
    const published = await repository.resolve();
    if (published === undefined || published.manifest.lifecycle === 'withdrawn') {
      throw new CairnError('not-found', `there is no repository ${repository}`);
    }
    this.checkAddress(id, mirror);
    if (mirror.direction === 'pull') checkFollowing(id, published.manifest, mirror, by);
    // A crash after this leaves a name too much in the index, which is dropped later.
    await this.index.touch(id);
    const kept = this.begin(id, published, mirror, by);
    await this.mirrorRecords.change(id, (mirrors) => {
      if (mirrors.some(({ id: other }) => other === kept.id)) return undefined;
      if (mirrors.some(({ name }) => name === kept.name)) {
        throw new CairnError('conflict', `the repository has a mirror "${kept.name}": remove it first`);
      }
      if (mirrors.length >= MOST_MIRRORS) {
        throw new CairnError('too-large', `a repository has at most ${MOST_MIRRORS} mirrors`);
      }
      return [...mirrors, kept];
    });
    // A crash after this leaves a mirror without a mark, which its first run publishes.
    if (kept.direction === 'pull') await this.mark(repository, kept);
    this.context.onChanged(id);
    return mirrorView(kept, this.now());
  }

  /**
   * Removes a mirror. What it has brought stays.
   * @throws CairnError `not-found`; as the store and the publisher. Calling again continues
   */
  async remove(repository: GitRepository, name: string, by: string | null): Promise<void> {
    const { id } = repository;
    // The mark is read first: one that was there before and has no record then is what a removal left half done, and not
    // that of a mirror which somebody adds at this moment.
    const marked = (await repository.resolve())?.manifest.mirrors?.find((mirror) => mirror.name === name);
    const kept = (await this.mirrorRecords.read(id)).find((mirror) => mirror.name === name);
    if (kept !== undefined) {
      await this.mirrorRecords.changeOne(id, kept.id, (mirror) =>
        mirror.removing ? undefined : { ...mirror, removing: true },
      );
    }
    // A mark without a record is removed, too: it would keep everybody from pushing.
    const isMeant = (mirror: NamedMirror) => mirror.id === kept?.id || mirror.id === marked?.id;
    const wasMarked = await unmark(repository, isMeant, by);
    if (kept === undefined) {
      if (!wasMarked) throw notFound(name);
      return;
    }
    await this.mirrorRecords.removeOne(id, kept.id);
    await this.context.control.delete(mirrorLeaseKey(id, name));
    await this.index.touch(id);
    this.context.onChanged(id);
  }

  /** Stops a mirror until it is resumed. A run that has begun goes on. @throws CairnError `not-found` */
  pause(repository: GitRepository, name: string): Promise<MirrorView> {
    return this.change(repository, name, (mirror) => ({ ...mirror, paused: true }));
  }

  /** Lets a mirror run again, at once. @throws CairnError `not-found` */
  resume(repository: GitRepository, name: string): Promise<MirrorView> {
    return this.change(repository, name, (mirror) => this.dueNow({ ...mirror, paused: false }));
  }

  /** Lets a mirror run now, whatever its schedule says. @throws CairnError `not-found`; `conflict` while it is paused */
  run(repository: GitRepository, name: string): Promise<MirrorView> {
    return this.change(repository, name, (mirror) => {
      if (mirror.paused) throw new CairnError('conflict', `the mirror "${name}" is paused: resume it`);
      return this.dueNow(mirror);
    });
  }

  /**
   * Stores another credential, or none.
   * @param value from JSON; null for none
   * @throws CairnError `not-found`, `invalid`
   */
  setCredential(repository: GitRepository, name: string, value: unknown): Promise<MirrorView> {
    const credential = value === null ? undefined : parseCredential(value);
    return this.change(repository, name, (mirror) => {
      if (credential !== undefined) this.context.checkSecrecy(mirror.address);
      const host = new URL(mirror.address).origin;
      return this.dueNow({ ...mirror, credential: this.sealed(repository.id, mirror.id, host, credential) });
    });
  }

  private async change(
    { id }: GitRepository,
    name: string,
    change: (mirror: KeptMirror) => KeptMirror,
  ): Promise<MirrorView> {
    const mirrors = await this.mirrorRecords.change(id, (current) => {
      const changed = change(mustFind(current, name));
      return current.map((mirror) => (mirror.name === name ? changed : mirror));
    });
    await this.index.touch(id);
    this.context.onChanged(id);
    return mirrorView(mustFind(mirrors, name), this.now());
  }

  private dueNow(mirror: KeptMirror): KeptMirror {
    return { ...mirror, progress: { ...mirror.progress, due: this.now() } };
  }

  private async mark(repository: GitRepository, { by, ...mirror }: KeptPull): Promise<void> {
    try {
      await mark(repository, mirror, by);
    } catch (error) {
      await this.mirrorRecords.removeOne(repository.id, mirror.id);
      throw error;
    }
    await this.mirrorRecords.changeOne(repository.id, mirror.id, (mirror) =>
      mirror.direction === 'pull' ? { ...mirror, marked: true } : undefined,
    );
  }

  private begin(
    repository: RepositoryId,
    { manifest }: PublishedGitState,
    mirror: NewMirror,
    by: string | null,
  ): KeptMirror {
    const id = this.context.random.hex(8);
    const { name, address, every, host } = mirror;
    const common = {
      id,
      name,
      address,
      every,
      by,
      incarnation: manifest.incarnation,
      paused: false,
      removing: false,
      credential: this.sealed(repository, id, host, mirror.credential),
      progress: { ...NOT_RUN, due: this.now() },
    };
    return mirror.direction === 'pull'
      ? { ...common, direction: 'pull', refs: mirror.refs, overwrite: mirror.overwrite, marked: false }
      : { ...common, direction: 'push', prune: mirror.prune, overwrite: mirror.overwrite };
  }

  private sealed(
    repository: RepositoryId,
    mirror: string,
    host: string,
    credential: MirrorCredential | undefined,
  ): KeptMirror['credential'] {
    if (credential === undefined) return null;
    return { host, sealed: this.context.seals.seal(credential, { repository, mirror, host }) };
  }

  private checkAddress(id: RepositoryId, { address, credential }: NewMirror): void {
    const remote = parseRemoteAddress(address);
    if (this.context.ownUrls(id).some((own) => isSameRepository(parseRemoteAddress(own), remote))) {
      throw new CairnError('invalid', 'the address is the repository itself');
    }
    this.context.checkHost(address);
    if (credential !== undefined) this.context.checkSecrecy(address);
  }

  private now(): number {
    return Math.floor(this.context.clock.now() / 1000);
  }
}

function mustFind(mirrors: readonly KeptMirror[], name: string): KeptMirror {
  const found = mirrors.find((mirror) => mirror.name === name && !mirror.removing);
  if (found === undefined) throw notFound(name);
  return found;
}

function notFound(name: string): CairnError {
  return new CairnError('not-found', `the repository has no mirror "${name}"`);
}
