import {
  AdvertisementParser,
  encodeFetchV0,
  encodeFetchV2,
  encodeLsRefsRequest,
  type ListedRefs,
  type PackRequest,
  type ParsedAdvertisement,
  RefCollector,
  textOf,
} from '../../git/index.ts';
import { withoutSequences } from '../../lib/control-sequences.ts';
import { CairnError, isCairnError } from '../../lib/errors.ts';
import { formatSize } from '../../lib/format-size.ts';
import { RemoteError } from '../../outbound/remote-error.ts';
import { saferText } from '../../outbound/safer-text.ts';
import { maxAdvertisementBytes } from './advertisement-body.ts';
import type { Connection, ProtocolVersion, Session } from './connection.ts';
import { demultiplexed } from './demultiplex.ts';
import type { PacketStream } from './packet-stream.ts';
import { parseAdvertised } from './parse-advertised.ts';
import type { FetchOptions, Source, SourceListing } from './source.ts';

export interface GitSourceOptions {
  /** The version to ask for; `auto` takes what the remote speaks. */
  readonly protocol: ProtocolVersion | 'auto';
  /** What to call ourselves: `agent=…`. */
  readonly agent: string;
  /** List only refs that begin with one of these (protocol v2); others may be listed all the same. */
  readonly prefixes: readonly string[];
  readonly signal: AbortSignal;
}

/**
 * Begins to talk to upload-pack, and lists the refs.
 * @throws as `Connection`; CairnError `invalid` if the remote does not support the requested version
 */
export async function openGitSource(connection: Connection, options: GitSourceOptions): Promise<Source> {
  const source = new GitSource(connection, options);
  try {
    await source.relist(options.signal);
    return source;
  } catch (error) {
    await source[Symbol.asyncDispose]();
    throw error;
  }
}

type Redact = Connection['redact'];

class GitSource implements Source {
  private readonly connection: Connection;
  private readonly options: GitSourceOptions;
  private session: Session | undefined;
  private advertised: ParsedAdvertisement | undefined;
  private listed: SourceListing | undefined;
  private readonly redact: Redact = (text) => this.connection.redact(text);

  constructor(connection: Connection, options: GitSourceOptions) {
    this.connection = connection;
    this.options = options;
  }

  get listing(): SourceListing {
    if (this.listed === undefined) throw new Error('the refs were not listed yet');
    return this.listed;
  }

  async relist(signal: AbortSignal): Promise<SourceListing> {
    // In v2 the same conversation lists again, if it did not end with an error; the advertisement of v0 is the list itself.
    if (this.session === undefined || this.advertised?.version !== 2) await this.reopen(signal);
    const advertised = this.mustBeOpen();
    const { capabilities, objectFormat, version } = advertised;
    const listed = advertised.listed ?? (await this.lsRefs(advertised, signal));
    const canFilter =
      version === 2
        ? capabilities.value('fetch')?.split(' ').includes('filter') === true
        : capabilities.has('filter');
    this.listed = {
      ...listed,
      objectFormat,
      protocol: version,
      capabilities: capabilities.list().map((text) => this.redact(withoutSequences(text))),
      canFilter,
    };
    return this.listed;
  }

  async fetch(request: PackRequest, options: FetchOptions): Promise<AsyncIterable<Buffer>> {
    const { signal, onMessage } = options;
    if (request.wants.length === 0) throw new Error('a fetch wants something');
    // A conversation in v0 has one fetch, unless requests are independent.
    if (this.session === undefined) await this.reopen(signal);
    const { version, capabilities, objectFormat } = this.mustBeOpen();
    const { agent } = this.options;
    const isV2 = version === 2;
    const redact = this.redact;
    const encode = isV2 ? encodeFetchV2 : encodeFetchV0;
    const body = encode(capabilities, objectFormat, agent, request);
    const session = this.mustHaveSession();
    const packets = await session.request(body, { last: !isV2, signal });
    if (!isV2 && !session.stateless) this.session = undefined;
    try {
      if (isV2) await skipToPack(packets, redact);
      const hasBands = isV2 || capabilities.has('side-band-64k') || capabilities.has('side-band');
      const pack = hasBands
        ? demultiplexed(packets, { onMessage, redact, skipAcks: !isV2 })
        : rawPack(packets, redact);
      return this.whole(pack, session);
    } catch (error) {
      await packets.close();
      await this.end(session);
      throw asMoved(error);
    }
  }

  /** Gives the bytes of a pack. A conversation that has a part of it left to read is over. */
  private async *whole(pack: AsyncIterable<Buffer>, session: Session): AsyncGenerator<Buffer, void> {
    let isWhole = false;
    try {
      yield* pack;
      isWhole = true;
    } catch (error) {
      throw asMoved(error);
    } finally {
      if (!isWhole || this.session !== session) await this.end(session);
    }
  }

  private async end(session: Session): Promise<void> {
    if (this.session === session && !session.stateless) this.session = undefined;
    if (this.session !== session) await session[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { session } = this;
    this.session = undefined;
    await session?.[Symbol.asyncDispose]();
    await this.connection[Symbol.asyncDispose]();
  }

  private async reopen(signal: AbortSignal): Promise<void> {
    await this.session?.[Symbol.asyncDispose]();
    this.session = undefined;
    const { protocol } = this.options;
    const version = protocol === 'auto' ? 2 : protocol;
    const session = await this.connection.open('git-upload-pack', { version, signal });
    this.session = session;
    const advertised = await parseAdvertised(session.advertisement, new AdvertisementParser(), this.redact);
    if (protocol !== 'auto' && advertised.version !== protocol) {
      throw new CairnError(
        'invalid',
        `the source speaks protocol version ${advertised.version}, not ${protocol}`,
      );
    }
    if (advertised.version === 2) mustOffer(advertised, ['ls-refs', 'fetch']);
    this.advertised = advertised;
  }

  private async lsRefs(advertised: ParsedAdvertisement, signal: AbortSignal): Promise<ListedRefs> {
    const { capabilities, objectFormat } = advertised;
    const { agent, prefixes } = this.options;
    const body = encodeLsRefsRequest(capabilities, objectFormat, agent, prefixes);
    const packets = await this.mustHaveSession().request(body, { last: false, signal });
    const collector = new RefCollector(objectFormat);
    for (let read = 0; ; ) {
      const packet = await packets.mustNext();
      if (packet.kind === 'flush') return collector.finish();
      if (packet.kind === 'data') {
        throwErrorPacket(packet.payload, this.redact);
        read += packet.payload.length;
        if (read > maxAdvertisementBytes) {
          await packets.close();
          throw new CairnError(
            'too-large',
            `the source lists more than ${formatSize(maxAdvertisementBytes)} of refs`,
          );
        }
        if (collector.addLsRefs(packet.payload)) continue;
      }
      throw new CairnError('corrupt', 'the source does not list refs as git does');
    }
  }

  private mustBeOpen(): ParsedAdvertisement {
    if (this.advertised === undefined) throw new Error('the source is not open');
    return this.advertised;
  }

  private mustHaveSession(): Session {
    if (this.session === undefined) throw new Error('the source is not open');
    return this.session;
  }
}

function mustOffer({ capabilities }: ParsedAdvertisement, commands: readonly string[]): void {
  const missing = commands.filter((command) => !capabilities.has(command));
  if (missing.length > 0) {
    throw new CairnError('corrupt', `the source speaks protocol version 2 without ${missing.join(' and ')}`);
  }
}

/** Reads the sections before `packfile` (gitprotocol-v2, "fetch"). They come when the remote wants to negotiate, which `done` excludes. */
async function skipToPack(packets: PacketStream, redact: Redact): Promise<void> {
  let read = 0;
  for (;;) {
    const packet = await packets.mustNext();
    if (packet.kind === 'flush') {
      throw new CairnError('corrupt', 'the source answered without a pack');
    }
    read += packet.kind === 'data' ? packet.payload.length : 4;
    if (read > maxAdvertisementBytes) {
      throw new CairnError(
        'too-large',
        `the source sends more than ${formatSize(maxAdvertisementBytes)} before its pack`,
      );
    }
    if (packet.kind !== 'data') continue;
    throwErrorPacket(packet.payload, redact);
    if (textOf(packet.payload) === 'packfile') return;
  }
}

function throwErrorPacket(payload: Buffer, redact: Redact): void {
  if (payload.toString('latin1', 0, 4) !== 'ERR ') return;
  throw new RemoteError('unavailable', `remote: ${saferText(textOf(payload).slice(4), redact)}`);
}

/** Without a side-band, the bytes after one ACK or NAK are the pack. */
async function* rawPack(packets: PacketStream, redact: Redact): AsyncGenerator<Buffer, void> {
  const packet = await packets.mustNext();
  if (packet.kind === 'data') throwErrorPacket(packet.payload, redact);
  yield* packets.rest();
}

/** A want that is gone means that the source has changed since it listed its refs. */
function asMoved(error: unknown): unknown {
  if (!isCairnError(error, 'unavailable') || !/not our ref|not a valid|no such ref/i.test(error.message)) {
    return error;
  }
  const message = `the source changed meanwhile: ${error.message}`;
  return new RemoteError('conflict', message, { changed: true }, { cause: error });
}
