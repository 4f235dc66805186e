import {
  AdvertisementParser,
  emptyPack,
  encodePushHead,
  isZeroId,
  type ObjectFormat,
  PacketReader,
  type ParsedAdvertisement,
  type PushReport,
  type RefCommand,
  ReportParser,
  type UnusableRef,
} from '../../git/index.ts';
import { withoutSequences } from '../../lib/control-sequences.ts';
import { CairnError } from '../../lib/errors.ts';
import { saferReason } from '../../outbound/safer-text.ts';
import type { Connection, Session } from './connection.ts';
import { type DemultiplexOptions, demultiplexed } from './demultiplex.ts';
import type { PacketStream } from './packet-stream.ts';
import { parseAdvertised } from './parse-advertised.ts';
import { prefixed } from './prefixed.ts';
import { redactedError } from './redacted-error.ts';

/** What a target lists, and what it can do. */
export interface TargetListing {
  readonly objectFormat: ObjectFormat;
  readonly refs: ReadonlyMap<string, string>;
  readonly unusable: readonly UnusableRef[];
  /** For people: as the remote sent them, without control sequences and secrets. */
  readonly capabilities: readonly string[];
  readonly canDelete: boolean;
  readonly canReport: boolean;
  readonly isAtomic: boolean;
}

export interface TargetOptions {
  /** What to call ourselves: `agent=…`. */
  readonly agent: string;
  readonly signal: AbortSignal;
}

export interface PushOptions {
  readonly signal: AbortSignal;
  /** All commands or none; only where the target can. */
  readonly atomic?: boolean;
  /** Gets what the remote tells people. */
  readonly onMessage?: (text: string) => void;
}

/**
 * A repository that packs are pushed to, by receive-pack in protocol v0, the only one that git has for it. Errors are those of
 * `Connection`.
 */
export class Target implements AsyncDisposable {
  private readonly connection: Connection;
  private readonly options: TargetOptions;
  private session: Session | undefined;
  private advertised: ParsedAdvertisement | undefined;
  private readonly redact = (text: string) => this.connection.redact(text);

  private constructor(connection: Connection, options: TargetOptions) {
    this.connection = connection;
    this.options = options;
  }

  /** Begins to talk to receive-pack, and lists the refs. */
  static async open(connection: Connection, options: TargetOptions): Promise<Target> {
    const target = new Target(connection, options);
    try {
      await target.relist(options.signal);
      return target;
    } catch (error) {
      await target[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The refs as they were listed last. */
  get listing(): TargetListing {
    const { capabilities, objectFormat, listed } = this.mustBeOpen();
    return {
      objectFormat,
      refs: listed?.refs ?? new Map(),
      unusable: listed?.unusable ?? [],
      capabilities: capabilities.list().map((text) => this.redact(withoutSequences(text))),
      canDelete: capabilities.has('delete-refs'),
      canReport: capabilities.has('report-status'),
      isAtomic: capabilities.has('atomic'),
    };
  }

  /** Lists the refs again. */
  async relist(signal: AbortSignal): Promise<TargetListing> {
    await this.session?.[Symbol.asyncDispose]();
    this.session = undefined;
    const session = await this.connection.open('git-receive-pack', { version: 0, signal });
    this.session = session;
    const advertised = await parseAdvertised(session.advertisement, new AdvertisementParser(), this.redact);
    if (advertised.version === 2) {
      throw new CairnError('corrupt', 'the target answers a push with protocol version 2, which has no push');
    }
    this.advertised = advertised;
    return this.listing;
  }

  /** Sends what has to come before a pack, while the source makes one. The push tells of its errors. */
  prepare(signal: AbortSignal): void {
    this.session?.prepare?.(signal);
  }

  /**
   * Sends commands and a pack.
   * @param pack read at the pace of the network; undefined sends an empty pack, or none where every command deletes
   * @returns the report of the target; undefined when it gives none, and the refs must be listed to know
   */
  async push(
    commands: readonly RefCommand[],
    pack: AsyncIterable<Buffer> | undefined,
    options: PushOptions,
  ): Promise<PushReport | undefined> {
    const { signal, atomic = false, onMessage } = options;
    if (this.session === undefined) await this.relist(signal);
    const { session } = this;
    const { capabilities, objectFormat } = this.mustBeOpen();
    if (session === undefined) throw new Error('the target is not open');
    const deletes = commands.some(({ newId }) => isZeroId(newId));
    if (deletes && !capabilities.has('delete-refs')) {
      throw new CairnError('invalid', 'the target does not let refs be deleted');
    }
    const { agent } = this.options;
    const head = encodePushHead(commands, { offered: capabilities, format: objectFormat, agent, atomic });
    const onlyDeletes = commands.every(({ newId }) => isZeroId(newId));
    const body =
      pack === undefined
        ? Buffer.concat(onlyDeletes ? [head] : [head, emptyPack(objectFormat)])
        : prefixed(head, pack[Symbol.asyncIterator]());
    // Over a process, a conversation has one push.
    if (!session.stateless) this.session = undefined;
    try {
      const packets = await session.request(body, { last: true, signal });
      if (!capabilities.has('report-status')) {
        for await (const _ of packets.rest());
        return undefined;
      }
      const hasBands = capabilities.has('side-band-64k');
      return await readReport(packets, hasBands, { onMessage, redact: this.redact });
    } catch (error) {
      throw redactedError(error, this.redact);
    } finally {
      if (!session.stateless) await session[Symbol.asyncDispose]();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { session } = this;
    this.session = undefined;
    await session?.[Symbol.asyncDispose]();
    await this.connection[Symbol.asyncDispose]();
  }

  private mustBeOpen(): ParsedAdvertisement {
    if (this.advertised === undefined) throw new Error('the target is not open');
    return this.advertised;
  }
}

async function readReport(
  packets: PacketStream,
  hasBands: boolean,
  options: DemultiplexOptions,
): Promise<PushReport> {
  const parser = new ReportParser((text) => saferReason(text, options.redact));
  if (!hasBands) {
    while (!parser.push(await packets.mustNext()));
    await packets.close();
    return parser.result;
  }
  const inner = new PacketReader({ maxBytes: LONGEST_REPORT });
  for await (const data of demultiplexed(packets, options)) {
    inner.push(data);
    for (let packet = inner.next(); packet !== undefined; packet = inner.next()) parser.push(packet);
  }
  return parser.result;
}

/** More than a line of a kilobyte for each of 50,000 refs. */
const LONGEST_REPORT = 64 * 2 ** 20;
