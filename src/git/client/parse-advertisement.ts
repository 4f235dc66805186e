import { CairnError } from '../../lib/errors.ts';
import type { ObjectFormat } from '../object-id.ts';
import { Capabilities, parseCapabilities } from '../protocol/capabilities.ts';
import { lineOf, type Packet, textOf } from '../protocol/pkt-line.ts';
import { cleanReason } from '../reason.ts';
import { type ListedRefs, RefCollector } from './listed-refs.ts';

/** What a service says first. */
export interface ParsedAdvertisement {
  readonly version: 0 | 1 | 2;
  readonly capabilities: Capabilities;
  readonly objectFormat: ObjectFormat;
  /** The refs; undefined in protocol v2, where `ls-refs` lists them. */
  readonly listed: ListedRefs | undefined;
}

/**
 * Parses the advertisement of a service, packet by packet up to its flush (gitprotocol-pack, "Reference Discovery"; gitprotocol-v2,
 * "Capability Advertisement").
 */
export class AdvertisementParser {
  private version: 0 | 1 | 2 | undefined;
  private readonly lines: string[] = [];
  private capabilities: Capabilities | undefined;
  private collector: RefCollector | undefined;
  private complete = false;

  /**
   * Takes the next packet.
   * @returns true once the advertisement is complete
   * @throws CairnError `corrupt` when no git service begins like this; `unavailable` with the text of an error packet
   */
  push(packet: Packet): boolean {
    if (packet.kind === 'flush') this.complete = true;
    else if (packet.kind === 'data') this.line(packet.payload);
    else throw unexpected(`a ${packet.kind} packet`);
    return this.complete;
  }

  /** The advertisement. @throws CairnError `corrupt` when it is not complete */
  get result(): ParsedAdvertisement {
    if (!this.complete) throw unexpected('its end');
    if (this.version === 2) {
      const capabilities = new Capabilities(this.lines);
      return { version: 2, capabilities, objectFormat: formatOf(capabilities), listed: undefined };
    }
    // A flush alone is what a repository without refs says to a client of an old server.
    const capabilities = this.capabilities ?? new Capabilities();
    const collector = this.collector ?? new RefCollector('sha1');
    for (const symref of capabilities.values('symref')) {
      const colon = symref.indexOf(':');
      if (colon > 0) collector.symref(symref.slice(0, colon), symref.slice(colon + 1));
    }
    return {
      version: this.version ?? 0,
      capabilities,
      objectFormat: formatOf(capabilities),
      listed: collector.finish(),
    };
  }

  private line(payload: Buffer): void {
    const text = payload.toString('latin1', 0, 8);
    if (text.startsWith('ERR ')) {
      throw new CairnError('unavailable', `remote: ${cleanReason(textOf(payload).slice(4))}`);
    }
    if (this.version === 2) this.lines.push(textOf(payload));
    else if (this.version === undefined && text.startsWith('version ')) this.version = versionOf(payload);
    else this.refLine(payload);
  }

  private refLine(payload: Buffer): void {
    this.version ??= 0;
    if (this.collector === undefined) {
      const nul = payload.indexOf(0);
      if (nul === -1) throw unexpected(preview(payload));
      this.capabilities = parseCapabilities(textOf(payload.subarray(nul + 1)));
      this.collector = new RefCollector(formatOf(this.capabilities));
      if (!this.collector.addV0(payload.subarray(0, nul))) throw unexpected(preview(payload));
      return;
    }
    if (this.collector.addV0(payload)) return;
    // A repository with a cut-off history lists its boundary after the refs.
    if (!/^shallow [0-9a-f]+$/.test(textOf(payload))) throw unexpected(preview(payload));
  }
}

function versionOf(payload: Buffer): 1 | 2 {
  const text = textOf(payload);
  if (text === 'version 1') return 1;
  if (text === 'version 2') return 2;
  throw unexpected(preview(payload));
}

function formatOf(capabilities: Capabilities): ObjectFormat {
  const format = capabilities.value('object-format') ?? 'sha1';
  if (format === 'sha1' || format === 'sha256') return format;
  throw new CairnError('invalid', `the remote uses an unknown object format: ${cleanReason(format)}`);
}

function preview(payload: Buffer): string {
  return JSON.stringify(cleanReason(lineOf(payload).toString('utf8', 0, 100)));
}

function unexpected(what: string): CairnError {
  return new CairnError('corrupt', `the remote does not advertise refs as git does: unexpected ${what}`);
}
