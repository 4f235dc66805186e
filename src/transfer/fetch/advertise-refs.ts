import {
  encodeLsRefs,
  encodeLsRefsHead,
  encodeServiceHeader,
  encodeV0Advertisement,
  encodeV0Start,
  encodeV2Capabilities,
  flushPacket,
  type LsRefsOptions,
  type ObjectFormat,
  RefPackets,
  type RefTable,
  type Service,
  tableOf,
  wantsHead,
} from '../../git/index.ts';
import { Yielder } from '../../lib/cooperative.ts';
import type { GitState } from '../../repository/git/git-manifest.ts';
import type { Output } from '../output.ts';
import type { UploadCapabilities } from './upload-capabilities.ts';

/** Protocol version a client asked for; receive-pack has no version 2 and answers as version 0. */
export type ProtocolVersion = 0 | 1 | 2;

/** Capabilities of protocol v2 that some repositories have besides those of git. */
export interface OfferedCapabilities {
  readonly lines: readonly string[];
  readonly fetch: readonly string[];
}

/** What receive-pack here understands. Cairn takes pushes in itself, so this list is its own. */
const RECEIVE_CAPABILITIES =
  'report-status report-status-v2 delete-refs side-band-64k quiet atomic ofs-delta push-options';

/** Bytes of encoded refs kept, for repositories that have very many: what 100,000 refs take in all forms, a few times. */
const ENCODED_BUDGET = 64 * 1024 * 1024;
/** Pieces of a list are put together up to this many bytes before they are sent. */
const SENT_AT_ONCE = 64 * 1024;

/** Answers that need no git process and no objects: all of them are made from a manifest. */
export class Advertiser {
  private readonly upload: Record<ObjectFormat, UploadCapabilities>;
  private readonly agent: string;
  private readonly packets = new RefPackets(ENCODED_BUDGET);

  /** @param agent how Cairn names itself to clients, without spaces */
  constructor(upload: Record<ObjectFormat, UploadCapabilities>, agent: string) {
    this.upload = upload;
    this.agent = agent;
  }

  /**
   * The answer to `info/refs` with protocol v2: what the server can do. Needs nothing of the repository but its format.
   * @param offered what is offered besides what git does: lines, and features of `fetch`
   */
  v2Capabilities(format: ObjectFormat, offered: OfferedCapabilities = { lines: [], fetch: [] }): Buffer {
    const learnt = this.upload[format].v2.map((line) =>
      line.startsWith('fetch=') ? [line, ...offered.fetch].join(' ') : line,
    );
    return encodeV2Capabilities([
      `agent=${this.agent}`,
      ...learnt,
      ...offered.lines,
      `object-format=${format}`,
    ]);
  }

  /**
   * Writes the answer to `info/refs` with protocol v0 or v1, service header included.
   * @throws CairnError before anything is written: `unavailable`, `corrupt`
   */
  async refs(service: Service, version: ProtocolVersion, state: GitState, output: Output): Promise<void> {
    const { objectFormat: format, refs, peeled } = state;
    const table = tableOf(refs);
    await table?.ready();
    const shared = `object-format=${format} agent=${this.agent}`;
    const oid = refs.get(state.head);
    const symref = oid === undefined ? '' : `symref=HEAD:${state.head} `;
    const reading = service === 'git-upload-pack';
    const advertisement = {
      service,
      version: version === 1 ? (1 as const) : (0 as const),
      format,
      head: { target: state.head, oid },
      capabilities: reading
        ? `${this.upload[format].v0} ${symref}${shared}`
        : `${RECEIVE_CAPABILITIES} ${shared}`,
    };
    const header = encodeServiceHeader(service);
    if (table === undefined) {
      await output.write(Buffer.concat([header, encodeV0Advertisement({ ...advertisement, refs, peeled })]));
      return;
    }
    const start = encodeV0Start(advertisement, table.startingWith('').next().value ?? undefined);
    const list = this.packets.list(table, reading ? 'peeled line' : 'plain');
    await writePieces(output, [header, start.bytes], without(start.replaced, list));
  }

  /**
   * Writes the answer to the v2 command `ls-refs`. Of very many refs only those are loaded that may be wanted.
   * @throws CairnError before anything is written: `unavailable`, `corrupt`
   */
  async lsRefs(state: GitState, options: LsRefsOptions, output: Output): Promise<void> {
    const { refs, peeled, head: target } = state;
    const table = tableOf(refs);
    if (table === undefined) {
      const head = { target, oid: refs.get(target) };
      await output.write(encodeLsRefs({ refs, peeled, head, options }));
      return;
    }
    await this.loadWanted(table, target, options);
    const oid = wantsHead(options) ? refs.get(target) : undefined;
    const first = encodeLsRefsHead({ target, oid }, options);
    const list = this.packets.list(table, options.peel ? 'peeled attribute' : 'plain', options.prefixes);
    await writePieces(output, first === undefined ? [] : [first], list);
  }

  private loadWanted(table: RefTable, head: string, options: LsRefsOptions): Promise<void> {
    const { prefixes } = options;
    if (prefixes.length === 0) return table.ready();
    return table.ready({ names: wantsHead(options) ? [head] : [], prefixes });
  }
}

/** A list without its first `count` bytes, which are all in its first piece with anything in it. */
function* without(count: number, list: Iterable<Buffer>): Generator<Buffer, undefined> {
  let left = count;
  for (const piece of list) {
    yield piece.subarray(left);
    if (piece.length > 0) left = 0;
  }
  return undefined;
}

/** Writes a list and a flush behind it, as the client takes it. In between everybody else gets a turn. */
async function writePieces(output: Output, begun: Buffer[], list: Iterable<Buffer>): Promise<void> {
  const pauses = new Yielder();
  let waiting = begun;
  let size = 0;
  for (const piece of list) {
    waiting.push(piece);
    size += piece.length;
    await pauses.next();
    if (size < SENT_AT_ONCE) continue;
    if (!(await output.write(Buffer.concat(waiting)))) return;
    waiting = [];
    size = 0;
  }
  await output.write(Buffer.concat([...waiting, flushPacket]));
}
