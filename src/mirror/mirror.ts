/** What a mirror can be asked for, by the command line and by programs: probe, plan, sync, replicate, bootstrap, fetch. */
import { tmpdir } from 'node:os';
import { isObjectId, isZeroId } from '../git/index.ts';
import { Git } from '../git-process/git.ts';
import { systemClock } from '../lib/clock.ts';
import { CairnError, isCairnError, messageOf } from '../lib/errors.ts';
import { systemRandom } from '../lib/random.ts';
import { openTemporaryFolder, type TemporaryFolder } from '../lib/temporary-folder.ts';
import { TransferCounts } from '../outbound/traffic.ts';
import { copyOpener, isForGitAlone } from './fetch-by-git.ts';
import type { ScratchPlace } from './graph/scratch.ts';
import { type MirrorObserver, silent } from './observer.ts';
import type { MirrorMode } from './plan/plan.ts';
import {
  checkScope,
  desiredRefs,
  isPrunable,
  nothingInScope,
  type RefScope,
  refPrefixes,
  wholeScope,
} from './plan/ref-scope.ts';
import type { ProtocolVersion } from './remote/connection.ts';
import { openGitSource } from './remote/git-source.ts';
import { type ConnectionOptions, openConnection } from './remote/open-connection.ts';
import { isSameRepository, parseRemoteAddress, type RemoteAddress } from './remote/remote-address.ts';
import type { Source, SourceListing } from './remote/source.ts';
import { Target, type TargetListing } from './remote/target.ts';
import type { MirrorResult } from './run/mirror-result.ts';

export type { Outcome } from './run/mirror-result.ts';

import { type MirrorLimits, usualLimits } from './run/mirror-run.ts';
import { peekPack } from './run/peek-pack.ts';
import { openSourceOrCopy, type Remotes, runMirror } from './run/run-mirror.ts';

/** One end of a mirror. */
export interface Endpoint {
  /** A URL, `user@host:path`, or the path of a repository or of a bundle file. */
  readonly address: string;
  /** How to reach it: credentials, transport, time-outs, … */
  readonly connection?: ConnectionOptions;
}

/** Options of everything that talks to a source. */
export interface SourceOptions {
  readonly source: Endpoint;
  /** Which refs; all branches if absent. */
  readonly scope?: Partial<RefScope>;
  /** Version of git's protocol to ask the source for; `auto` if absent. */
  readonly protocol?: ProtocolVersion | 'auto';
  /** What to call ourselves; `cairn` if absent. */
  readonly agent?: string;
  readonly observer?: MirrorObserver;
  /** Gets what went to and came from each side, as it does. */
  readonly traffic?: Traffic;
  readonly signal?: AbortSignal;
  /** The git to run where one is needed; `git` if absent. */
  readonly git?: string;
  /** An existing folder for files that are needed for a while; the system's if absent. */
  readonly scratchFolder?: string;
}

/** What went to and came from each side of a run. A side that was not reached has no counts. */
export interface Traffic {
  source?: TransferCounts;
  target?: TransferCounts;
}

/** Options of a run. */
export interface MirrorOptions extends SourceOptions {
  readonly target: Endpoint;
  /** Let branches be set back and tags move. Whatever is newer than what was listed stays. */
  readonly force?: boolean;
  /** Delete refs of the target that the source does not have. */
  readonly prune?: boolean;
  /** Refs that are blocked or refused do not stop the others. */
  readonly bestEffort?: boolean;
  readonly limits?: Partial<MirrorLimits>;
}

/** Brings the target in step with the source: branches move forward, tags are created. Never throws; see the result. */
export function sync(options: MirrorOptions): Promise<MirrorResult> {
  return mirror(options, 'sync', false);
}

/** Makes the target like the source, whatever it had. Never throws; see the result. */
export function replicate(options: Omit<MirrorOptions, 'force'>): Promise<MirrorResult> {
  return mirror(options, 'replicate', false);
}

/** Creates refs on a target that has none of them. Never throws; see the result. */
export function bootstrap(options: Omit<MirrorOptions, 'force' | 'prune'>): Promise<MirrorResult> {
  return mirror(options, 'bootstrap', false);
}

/** Says what a run would do, and sends nothing to the target. Never throws; see the result. */
export function plan(options: MirrorOptions & { readonly mode?: MirrorMode }): Promise<MirrorResult> {
  return mirror(options, options.mode ?? 'sync', true);
}

async function mirror(options: MirrorOptions, mode: MirrorMode, dryRun: boolean): Promise<MirrorResult> {
  const { observer = silent, signal = new AbortController().signal } = options;
  try {
    const target = parseRemoteAddress(options.target.address);
    const source = addressOf(options.source);
    if (source !== undefined && isSameRepository(source, target)) {
      throw new CairnError('invalid', 'source and target are the same repository');
    }
    await using scratch = await openScratchPlace(options);
    return await runMirror({
      remotes: {
        ...sourceRemotes(options, async () => scratch.place),
        target: (reading) => openTarget(target, options, reading),
      },
      scope: { ...wholeScope, ...options.scope },
      policy: { mode, force: options.force ?? false, prune: options.prune ?? false },
      limits: { ...usualLimits, ...options.limits },
      dryRun,
      bestEffort: options.bestEffort ?? false,
      scratch: scratch.place,
      clock: systemClock,
      random: systemRandom,
      observer,
      signal,
    });
  } catch (error) {
    if (!isCairnError(error)) throw error;
    return notBegun(error);
  }
}

/** The address of a source; undefined for one that only git reaches. @throws CairnError `invalid` */
function addressOf({ address }: Endpoint): RemoteAddress | undefined {
  return isForGitAlone(address) ? undefined : parseRemoteAddress(address);
}

/**
 * How a source is opened, and how git itself opens it.
 * @param scratch asked for when git opens it
 * @throws CairnError `invalid` for what is no address
 */
function sourceRemotes(
  options: SourceOptions & Pick<MirrorOptions, 'limits'>,
  scratch: () => Promise<ScratchPlace>,
): Pick<Remotes, 'source' | 'copied'> {
  const address = addressOf(options.source);
  const copied = copyOpener(address, options, scratch);
  return {
    source: async (prefixes, signal) => {
      if (address !== undefined) return openSource(address, options, prefixes, signal);
      if (copied === undefined) throw new CairnError('invalid', 'mirrors cannot reach this kind of address');
      return copied(prefixes, signal);
    },
    ...(copied === undefined ? {} : { copied }),
  };
}

function notBegun(error: CairnError): MirrorResult {
  return {
    outcome: error.kind === 'invalid' ? 'configuration' : 'transport',
    problem: error.message,
    refs: [],
    sourceHead: undefined,
    source: undefined,
    target: undefined,
    attempts: 0,
    packs: 0,
  };
}

/** What a source, and a target if one is named, say of themselves. */
export interface ProbeResult {
  readonly source: SourceListing;
  readonly target: TargetListing | undefined;
  /** What the source was asked to list. */
  readonly prefixes: readonly string[];
  /** The refs in scope, by the names that the source gives them. */
  readonly refs: ReadonlyMap<string, string>;
  /** Those refs of the target that a run could change, deletions included; undefined without a target. */
  readonly targetRefs: ReadonlyMap<string, string> | undefined;
}

/**
 * Lists refs and capabilities, and changes nothing.
 * @throws CairnError as connections do, `invalid` for a scope or an address that is not one
 */
export async function probe(options: SourceOptions & { readonly target?: Endpoint }): Promise<ProbeResult> {
  const { signal = new AbortController().signal, observer = silent } = options;
  const scope = { ...wholeScope, ...options.scope };
  checkScope(scope);
  const prefixes = refPrefixes(scope);
  const address = addressOf(options.source);
  const targetAddress = options.target === undefined ? undefined : parseRemoteAddress(options.target.address);
  if (address !== undefined && targetAddress !== undefined && isSameRepository(address, targetAddress)) {
    throw new CairnError('invalid', 'source and target are the same repository');
  }
  await using scratch = new LateScratchPlace(options);
  await using source = await openSourceOrCopy(sourceRemotes(options, scratch.open), prefixes, {
    observer,
    signal,
  });
  const refs = refsOf(source.listing, scope);
  if (targetAddress === undefined || options.target === undefined) {
    return { source: source.listing, target: undefined, prefixes, refs, targetRefs: undefined };
  }
  await using target = await openTarget(targetAddress, { ...options, target: options.target }, signal);
  const targetRefs = refsAtTarget(target.listing.refs, source.listing, scope);
  return { source: source.listing, target: target.listing, prefixes, refs, targetRefs };
}

function refsOf(listing: SourceListing, scope: RefScope): Map<string, string> {
  const refs = new Map<string, string>();
  for (const { source, oid } of desiredRefs(scope, listing.refs))
    if (oid !== undefined) refs.set(source, oid);
  return refs;
}

/** What is in scope at a target: what the refs in scope are called there, and what pruning would look at. */
function refsAtTarget(
  refs: ReadonlyMap<string, string>,
  source: SourceListing,
  scope: RefScope,
): Map<string, string> {
  const wanted = new Set(desiredRefs(scope, source.refs).map(({ target }) => target));
  return new Map([...refs].filter(([name]) => wanted.has(name) || isPrunable(scope, name)));
}

export interface FetchTestOptions extends SourceOptions {
  /** Refs of the source that are claimed to be here already. */
  readonly haveRefs?: readonly string[];
  /** Object ids that are claimed to be here already. */
  readonly haves?: readonly string[];
}

/** What a fetch would bring. */
export interface FetchTestResult {
  readonly source: SourceListing;
  readonly wants: ReadonlyMap<string, string>;
  readonly haves: readonly string[];
  /** Objects in the pack, as its header states them. */
  readonly objects: number;
  /** Length of the pack in bytes. */
  readonly bytes: number;
}

/**
 * Fetches a pack and drops it: a test of what the source sends.
 * @throws CairnError as connections do, `invalid` for what does not fit the source
 */
export async function fetch(options: FetchTestOptions): Promise<FetchTestResult> {
  const { signal = new AbortController().signal, observer = silent, haves = [], haveRefs = [] } = options;
  const scope = { ...wholeScope, ...options.scope };
  checkScope(scope);
  await using scratch = new LateScratchPlace(options);
  const remotes = sourceRemotes(options, scratch.open);
  observer.phase('listing');
  const prefixes = [...refPrefixes(scope), ...haveRefs.map(fullName)];
  await using source = await openSourceOrCopy(remotes, prefixes, { observer, signal });
  const { listing } = source;
  const wants = refsOf(listing, scope);
  if (wants.size === 0) throw nothingInScope('fetch', listing.refs);
  const known = [
    ...new Set([
      ...haves.map((oid) => checkedHave(oid, listing)),
      ...haveRefs.map((name) => oidOfRef(name, listing)),
    ]),
  ];
  observer.phase('counting');
  const chunks = await source.fetch(
    { wants: [...new Set(wants.values())], haves: known, progress: true, includeTag: false },
    { signal, onMessage: (text) => observer.message('source', text) },
  );
  const { objects, pack } = await peekPack(chunks);
  observer.phase('relaying');
  let bytes = 0;
  for await (const chunk of pack) {
    bytes += chunk.length;
    observer.relayed(chunk.length);
  }
  return { source: listing, wants, haves: known, objects, bytes };
}

function fullName(name: string): string {
  return name.startsWith('refs/') ? name : `refs/heads/${name}`;
}

function oidOfRef(name: string, { refs }: SourceListing): string {
  const oid = refs.get(fullName(name));
  if (oid === undefined) throw new CairnError('invalid', `the source has no ${fullName(name)}`);
  return oid;
}

function checkedHave(oid: string, { objectFormat }: SourceListing): string {
  const isId = isObjectId(oid, objectFormat) && !isZeroId(oid);
  if (!isId) throw new CairnError('invalid', `"${oid}" is not an object id of ${objectFormat}`);
  return oid;
}

/**
 * Opens a source for reading, and lists its refs.
 * @param prefixes the source need list no other refs
 * @throws as connections do
 */
export async function openSource(
  address: RemoteAddress,
  { source, protocol = 'auto', agent = 'cairn', traffic = {} }: SourceOptions,
  prefixes: readonly string[],
  signal: AbortSignal,
): Promise<Source> {
  const counts = new TransferCounts();
  traffic.source = counts;
  const options = { userAgent: `git/${agent}`, traffic: counts, ...source.connection };
  const connection = openConnection(address, options);
  return openGitSource(connection, { protocol, agent, prefixes, signal });
}

async function openTarget(
  address: RemoteAddress,
  { target, agent = 'cairn', traffic = {} }: Pick<MirrorOptions, 'target' | 'agent' | 'traffic'>,
  signal: AbortSignal,
): Promise<Target> {
  const counts = new TransferCounts();
  traffic.target = counts;
  const options = { userAgent: `git/${agent}`, traffic: counts, ...target.connection };
  const connection = openConnection(address, options);
  return Target.open(connection, { agent, signal });
}

async function makeScratchFolder(parent: string): Promise<TemporaryFolder> {
  try {
    return await openTemporaryFolder('mirror', parent);
  } catch (error) {
    const text = `no folder for temporary files can be made in ${parent} (TMPDIR): ${messageOf(error)}`;
    throw new CairnError('unavailable', text, { cause: error });
  }
}

/** A folder for scratch repositories, and git to work in them. Both are deleted, or ended, when it is closed. */
async function openScratchPlace({
  git: binary = 'git',
  scratchFolder = tmpdir(),
}: Pick<SourceOptions, 'git' | 'scratchFolder'>): Promise<
  { readonly place: ScratchPlace } & AsyncDisposable
> {
  const folder = await makeScratchFolder(scratchFolder);
  const git = new Git({ binary, home: folder.path });
  return {
    place: { git, folder: folder.path },
    [Symbol.asyncDispose]: async () => {
      await git.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** A scratch place that is made when it is asked for. */
class LateScratchPlace implements AsyncDisposable {
  private readonly options: SourceOptions;
  private opening: ReturnType<typeof openScratchPlace> | undefined;

  constructor(options: SourceOptions) {
    this.options = options;
  }

  /** @throws as making a temporary folder */
  readonly open = async (): Promise<ScratchPlace> => {
    this.opening ??= openScratchPlace(this.options);
    return (await this.opening).place;
  };

  async [Symbol.asyncDispose](): Promise<void> {
    // One that could not be made was an error of who asked for it.
    const opened = await this.opening?.catch(() => undefined);
    await opened?.[Symbol.asyncDispose]();
  }
}
