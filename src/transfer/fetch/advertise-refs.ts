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
import type { Digest } from '../../lib/digest.ts';
import { LruMap } from '../../lib/lru.ts';
import type { GitState } from '../../repository/git/git-manifest.ts';
import type { Output } from '../output.ts';
import type { UploadCapabilities } from './upload-capabilities.ts';

/** Protocol version that a client asks for. receive-pack has no version 2 and answers in version 0. */
export type ProtocolVersion = 0 | 1 | 2;

/** Capabilities of protocol v2 that some repositories have in addition to those of git. */
export interface OfferedCapabilities {
  readonly lines: readonly string[];
  readonly fetch: readonly string[];
}

/** The capabilities of receive-pack. Cairn implements receive-pack itself, so this list does not come from git. */
const RECEIVE_CAPABILITIES =
  'report-status report-status-v2 delete-refs side-band-64k quiet atomic ofs-delta push-options';

/** Bytes of cached encoded refs, for repositories with very many: enough for all forms of a few times 100,000 refs. */
const ENCODED_BUDGET = 64 * 1024 * 1024;
/** Bytes of remembered responses to `ls-refs`, with their names. */
const REMEMBERED_BUDGET = 8 * 1024 * 1024;
/** A longer response, or one to a longer question, is not remembered: it would push out many others. */
const LONGEST_REMEMBERED = 64 * 1024;
/** Pieces of a list are joined up to this many bytes before they are sent. */
const SENT_AT_ONCE = 64 * 1024;

/** Writes responses that need no git process and no objects: they are made from a manifest. */
export class Advertiser {
  private readonly upload: Record<ObjectFormat, UploadCapabilities>;
  private readonly agent: string;
  private readonly packets = new RefPackets(ENCODED_BUDGET);
  private readonly remembered = new LruMap<string, Buffer>(REMEMBERED_BUDGET);
  private readonly plainCapabilities = new Map<ObjectFormat, Buffer>();

  /** @param agent how Cairn names itself to clients, without spaces */
  constructor(upload: Record<ObjectFormat, UploadCapabilities>, agent: string) {
    this.upload = upload;
    this.agent = agent;
  }

  /**
   * The response to `info/refs` in protocol v2: the capabilities. It depends only on the format of the repository.
   * @param offered capabilities in addition to git's: lines, and features of `fetch`
   */
  v2Capabilities(format: ObjectFormat, offered?: OfferedCapabilities): Buffer {
    if (offered !== undefined) return this.encodeCapabilities(format, offered);
    const known = this.plainCapabilities.get(format);
    if (known !== undefined) return known;
    const encoded = this.encodeCapabilities(format, { lines: [], fetch: [] });
    this.plainCapabilities.set(format, encoded);
    return encoded;
  }

  private encodeCapabilities(format: ObjectFormat, offered: OfferedCapabilities): Buffer {
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
   * Writes the response to `info/refs` in protocol v0 or v1, including the service header.
   * @throws CairnError before anything is written: `unavailable`, `corrupt`
   */
  async refs(service: Service, version: ProtocolVersion, state: GitState, output: Output): Promise<void> {
    const { objectFormat: format, refs, peeled } = state;
    const table = tableOf(refs);
    await table?.ready();
    const shared = `object-format=${format} agent=${this.agent}`;
    const oid = refs.get(state.head);
    const symref = oid === undefined ? '' : `symref=HEAD:${state.head} `;
    const isUploadPack = service === 'git-upload-pack';
    const advertisement = {
      service,
      version: version === 1 ? (1 as const) : (0 as const),
      format,
      head: { target: state.head, oid },
      capabilities: isUploadPack
        ? `${this.upload[format].v0} ${symref}${shared}`
        : `${RECEIVE_CAPABILITIES} ${shared}`,
    };
    const header = encodeServiceHeader(service);
    if (table === undefined) {
      await output.write(Buffer.concat([header, encodeV0Advertisement({ ...advertisement, refs, peeled })]));
      return;
    }
    const start = encodeV0Start(advertisement, table.startingWith('').next().value ?? undefined);
    const list = this.packets.list(table, isUploadPack ? 'peeled line' : 'plain');
    await writePieces(output, [header, start.bytes], without(start.replaced, list));
  }

  /**
   * Writes the response to the v2 command `ls-refs`. From a large ref table only refs that may be wanted are loaded.
   * @param digest of the manifest, if the state has one: then a short response is remembered, and sent again to the same question
   * @throws CairnError before anything is written: `unavailable`, `corrupt`
   */
  async lsRefs(state: GitState, options: LsRefsOptions, output: Output, digest?: Digest): Promise<void> {
    const { refs, head: target } = state;
    const table = tableOf(refs);
    if (table === undefined) {
      await output.write(
        digest === undefined ? encodeRefs(state, options) : this.rememberRefs(digest, state, options),
      );
      return;
    }
    await this.loadWanted(table, target, options);
    const oid = wantsHead(options) ? refs.get(target) : undefined;
    const first = encodeLsRefsHead({ target, oid }, options);
    const list = this.packets.list(table, options.peel ? 'peeled attribute' : 'plain', options.prefixes);
    await writePieces(output, first === undefined ? [] : [first], list);
  }

  private rememberRefs(digest: Digest, state: GitState, options: LsRefsOptions): Buffer {
    const question = `${digest} ${JSON.stringify(options)}`;
    const known = this.remembered.get(question);
    if (known !== undefined) return known;
    const encoded = encodeRefs(state, options);
    const weight = encoded.length + 2 * question.length;
    if (weight <= LONGEST_REMEMBERED) this.remembered.set(question, encoded, weight);
    return encoded;
  }

  private loadWanted(table: RefTable, head: string, options: LsRefsOptions): Promise<void> {
    const { prefixes } = options;
    if (prefixes.length === 0) return table.ready();
    return table.ready({ names: wantsHead(options) ? [head] : [], prefixes });
  }
}

function encodeRefs({ refs, peeled, head }: GitState, options: LsRefsOptions): Buffer {
  return encodeLsRefs({ refs, peeled, head: { target: head, oid: refs.get(head) }, options });
}

/** Drops the first `count` bytes of a list. They are all in its first piece that is not empty. */
function* without(count: number, list: Iterable<Buffer>): Generator<Buffer, undefined> {
  let left = count;
  for (const piece of list) {
    yield piece.subarray(left);
    if (piece.length > 0) left = 0;
  }
  return undefined;
}

/** Writes a list and a flush at the speed of the client. It yields to other work between pieces. */
async function writePieces(output: Output, first: Buffer[], list: Iterable<Buffer>): Promise<void> {
  const yielder = new Yielder();
  let waiting = first;
  let size = 0;
  for (const piece of list) {
    waiting.push(piece);
    size += piece.length;
    await yielder.next();
    if (size < SENT_AT_ONCE) continue;
    if (!(await output.write(Buffer.concat(waiting)))) return;
    waiting = [];
    size = 0;
  }
  await output.write(Buffer.concat([...waiting, flushPacket]));
}
