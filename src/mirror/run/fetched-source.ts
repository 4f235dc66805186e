/**
 * A source that git itself reaches, for what is not spoken here: repositories without a server behind them (dumb HTTP), `git://`,
 * remote helpers, servers that refuse our requests. Git fetches into a scratch repository, which takes the place of the source.
 */
import { join } from 'node:path';
import { isObjectId, type ListedRefs, type ObjectFormat, RefCollector } from '../../git/index.ts';
import type { Clock } from '../../lib/clock.ts';
import { CairnError } from '../../lib/errors.ts';
import { formatSize } from '../../lib/format-size.ts';
import { WAITING_TIMES, type WaitingTimes } from '../../outbound/waiting-times.ts';
import { Scratch, type ScratchPlace } from '../graph/scratch.ts';
import type { ProtocolVersion } from '../remote/connection.ts';
import { withoutRepository } from '../remote/git-environment.ts';
import { endedTooEarly, RemoteProcess } from '../remote/remote-process.ts';
import type { FetchOptions, Source, SourceListing } from '../remote/source.ts';
import { openCopy } from './copy-source.ts';
import { sourceTooLong } from './fetch-pack.ts';
import { diskNearlyFull, Patience } from './patience.ts';
import { bytesLeft, sizeOf, watchSize } from './watch-size.ts';

export interface FetchedSourceOptions {
  /** As git takes it. It is told to git in its environment, where other users of the machine do not see it. */
  readonly address: string;
  /** The address as a person may see it. */
  readonly shown: string;
  /** The git to run; a name is looked up in PATH. */
  readonly git: string;
  /** With the credentials for git. */
  readonly environment: Readonly<NodeJS.ProcessEnv>;
  /** Version of git's protocol to ask for; git decides when it is absent. */
  readonly protocol?: ProtocolVersion | undefined;
  /** More settings of git, which may be secret. */
  readonly settings?: readonly (readonly [key: string, value: string])[];
  /** Takes secrets out of what git says. */
  readonly redact: (text: string) => string;
  readonly scratch: ScratchPlace;
  /** Most bytes that one fetch may bring, as they are on disk; undefined for any. */
  readonly maxPackBytes?: number | undefined;
  /** How long nothing may move; {@link WAITING_TIMES} if absent. */
  readonly waitingTimes?: Partial<WaitingTimes>;
  /** Bytes that the disk of the scratch folder must have left; {@link LEAST_LEFT} if absent. */
  readonly leastLeft?: number;
  readonly clock: Clock;
  /** Refs that begin with one of these are fetched. */
  readonly prefixes: readonly string[];
  readonly signal: AbortSignal;
}

/** Bytes of a list of refs that are read: 64 MiB are about 900,000 refs. */
const LONGEST_LIST = 64 * 2 ** 20;
/** Bytes of the disk that are left to others. */
const LEAST_LEFT = 256 * 2 ** 20;
/** The remote, in the form for git. */
const REMOTE = 'source';

/**
 * Lists the refs of a source with git.
 * @throws CairnError as connections do
 */
export async function openFetchedSource(options: FetchedSourceOptions): Promise<Source> {
  const source = new FetchedSource(options);
  await source.relist(options.signal);
  return source;
}

class FetchedSource implements Source {
  private readonly options: FetchedSourceOptions;
  private listed: SourceListing | undefined;
  private copy: { readonly gitDir: string; readonly source: Source } | undefined;
  /** Object ids of refs that were fetched. */
  private readonly fetched = new Set<string>();

  constructor(options: FetchedSourceOptions) {
    this.options = options;
  }

  get listing(): SourceListing {
    if (this.listed === undefined) throw new Error('the refs were not listed yet');
    return this.listed;
  }

  async relist(signal: AbortSignal): Promise<SourceListing> {
    const { advertisement } = this.times;
    const output = await this.patiently(advertisement, signal, (patience) =>
      this.run(['ls-remote', '--symref', REMOTE], '', patience),
    );
    const { refs, peeled, head, unusable, objectFormat } = parseList(output);
    const wanted = (name: string) => this.options.prefixes.some((prefix) => name.startsWith(prefix));
    this.listed = {
      refs: new Map([...refs].filter(([name]) => wanted(name))),
      peeled,
      head,
      unusable,
      objectFormat,
      protocol: undefined,
      capabilities: [],
      canFilter: true,
      sendsAny: true,
    };
    return this.listed;
  }

  async fetch(...[request, options]: Parameters<Source['fetch']>): Promise<AsyncIterable<Buffer>> {
    const { refs, peeled } = this.listing;
    const wants = new Set(request.wants);
    const isWanted = ([name, oid]: [string, string]) =>
      !this.fetched.has(oid) && (wants.has(oid) || wants.has(peeled.get(name) ?? ''));
    const missing = [...refs].filter(isWanted);
    const { gitDir, source } = this.copy ?? (await this.open(options.signal));
    if (missing.length > 0) await this.fetchRefs(gitDir, missing, options);
    return source.fetch(request, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.copy?.source[Symbol.asyncDispose]();
    this.copy = undefined;
  }

  private async open(signal: AbortSignal): Promise<{ readonly gitDir: string; readonly source: Source }> {
    const scratch = await Scratch.open(this.options.scratch, this.listing.objectFormat);
    try {
      this.copy = { gitDir: scratch.gitDir, source: await openCopy(scratch, this, signal) };
      return this.copy;
    } catch (error) {
      await scratch[Symbol.asyncDispose]();
      throw error;
    }
  }

  private async fetchRefs(
    gitDir: string,
    refs: readonly (readonly [name: string, oid: string])[],
    { signal, onMessage }: FetchOptions,
  ): Promise<void> {
    const lines = refs.map(([name]) => `+${name}:${name}\n`);
    const quiet = ['--no-tags', '--no-write-fetch-head', '--no-auto-maintenance', '--recurse-submodules=no'];
    // A source whose history is cut off is fetched as it is; the target decides whether that is enough.
    const args = [
      `--git-dir=${gitDir}`,
      'fetch',
      ...quiet,
      '--update-shallow',
      '--progress',
      '--stdin',
      REMOTE,
    ];
    await this.patiently(this.times.silence, signal, (patience) =>
      this.bounded(join(gitDir, 'objects'), patience, () =>
        this.run(args, lines.join(''), patience, onMessage),
      ),
    );
    for (const [, oid] of refs) this.fetched.add(oid);
  }

  private get times(): WaitingTimes {
    return { ...WAITING_TIMES, ...this.options.waitingTimes };
  }

  /** Runs git, and stops it if nothing moves for so many milliseconds, or it says too much. @throws as {@link Patience}; what it throws */
  private async patiently<T>(
    milliseconds: number,
    signal: AbortSignal,
    work: (patience: Patience) => Promise<T>,
  ): Promise<T> {
    const patience = new Patience(this.options.shown, milliseconds, signal);
    try {
      return await work(patience);
    } finally {
      patience.end();
    }
  }

  /**
   * Runs a fetch, and stops it if it exceeds a limit. The written size is checked a few times a second, because git has no such
   * limit, and once more at the end.
   * @throws CairnError `too-large`, or `unavailable` when the disk is nearly full; what the fetch throws
   */
  private async bounded(objects: string, patience: Patience, fetch: () => Promise<unknown>): Promise<void> {
    const { maxPackBytes = Number.POSITIVE_INFINITY, leastLeft = LEAST_LEFT, clock } = this.options;
    const before = await sizeOf(objects, isOfPack);
    const measure = async () => (await sizeOf(objects, isOfPack)) - before;
    const ended = new AbortController();
    const look = async (size: number) => {
      patience.grown(size);
      if (size > maxPackBytes) patience.fail(sourceTooLong(maxPackBytes));
      else if ((await bytesLeft(objects)) < leastLeft) patience.fail(diskNearlyFull(leastLeft));
    };
    const watching = watchSize(measure, look, { clock, signal: ended.signal });
    // It is awaited below, whatever becomes of the fetch.
    watching.catch(() => undefined);
    try {
      await fetch();
    } finally {
      ended.abort();
      await watching;
    }
    if ((await measure()) > maxPackBytes) throw sourceTooLong(maxPackBytes);
  }

  /** @returns what git prints @throws RemoteError with what it says when it fails; the signal's reason */
  private async run(
    args: readonly string[],
    input: string,
    patience: Patience,
    onMessage: (text: string) => void = () => undefined,
  ): Promise<string> {
    const { signal } = patience;
    signal.throwIfAborted();
    const { git, environment, address, shown, settings = [], redact } = this.options;
    const { protocol } = this.options;
    const config = [
      [`remote.${REMOTE}.url`, address],
      ['gc.auto', '0'],
      ...(protocol === undefined ? [] : [['protocol.version', String(protocol)]]),
      ...settings,
    ];
    const variables = config.flatMap(([key = '', value = ''], at) => [
      [`GIT_CONFIG_KEY_${at}`, key],
      [`GIT_CONFIG_VALUE_${at}`, value],
    ]);
    const process = new RemoteProcess(
      {
        file: git,
        args,
        ownGroup: true,
        env: {
          ...withoutRepository(environment),
          ...Object.fromEntries(variables),
          GIT_CONFIG_COUNT: String(config.length),
          // In a group of its own, it cannot ask on the terminal.
          GIT_TERMINAL_PROMPT: '0',
          LC_ALL: 'C',
        },
      },
      (line) => {
        patience.said(line.length);
        onMessage(`${line}\n`);
      },
      redact,
    );
    const stop = () => process.stop();
    signal.addEventListener('abort', stop, { once: true });
    try {
      process.stdin.end(input);
      const chunks: Buffer[] = [];
      let left = LONGEST_LIST;
      for await (const chunk of process.stdout as AsyncIterable<Buffer>) {
        chunks.push(chunk);
        patience.moved();
        left -= chunk.length;
        if (left < 0)
          throw new CairnError('too-large', `${shown} lists more than ${formatSize(LONGEST_LIST)} of refs`);
      }
      const end = await process.ended;
      signal.throwIfAborted();
      if (end.exitCode !== 0)
        throw endedTooEarly(`git ${args.find((arg) => !arg.startsWith('-'))}`, shown, end);
      return Buffer.concat(chunks).toString('latin1');
    } finally {
      signal.removeEventListener('abort', stop);
      process.stop();
      await process.ended;
    }
  }
}

/** True for a file that holds objects: a pack, whole or on its way, or a loose object. */
function isOfPack(name: string): boolean {
  return !/\.(idx|rev|bitmap|keep|lock)$|^tmp_(idx|rev)_/.test(name);
}

/** Parses what `git ls-remote --symref` prints. */
function parseList(output: string): ListedRefs & { readonly objectFormat: ObjectFormat } {
  const lines = output.split('\n').filter((line) => line !== '');
  const symref = /^ref: (\S+)\tHEAD$/.exec(lines.find((line) => line.endsWith('\tHEAD')) ?? '')?.[1];
  const ids = lines.filter((line) => !line.startsWith('ref: '));
  const objectFormat = isObjectId((ids[0] ?? '').split('\t')[0] ?? '', 'sha256') ? 'sha256' : 'sha1';
  const refs = new RefCollector(objectFormat);
  for (const line of ids) {
    if (!refs.addV0(Buffer.from(line.replace('\t', ' '), 'latin1'))) {
      throw new CairnError('corrupt', 'git lists the refs of the source in an unknown format');
    }
  }
  if (symref !== undefined) refs.symref('HEAD', symref);
  return { ...refs.finish(), objectFormat };
}
