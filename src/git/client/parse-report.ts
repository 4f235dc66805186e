import { CairnError } from '../../lib/errors.ts';
import { type Packet, textOf } from '../protocol/pkt-line.ts';
import { cleanReason } from '../reason.ts';

/** What a remote says became of a push. */
export interface PushReport {
  /** `ok`, or why the pack was not taken. */
  readonly unpack: string;
  /** By the name of the ref: undefined for `ok`, else the reason of the remote. A ref that is not named has no entry. */
  readonly refs: ReadonlyMap<string, string | undefined>;
}

/** Parses a report (gitprotocol-pack, "Report Status"), packet by packet up to its flush. */
export class ReportParser {
  private unpack: string | undefined;
  private readonly refs = new Map<string, string | undefined>();
  private complete = false;
  private readonly reasonOf: (text: string) => string;

  /** @param reasonOf makes a text of the remote fit to be shown */
  constructor(reasonOf: (text: string) => string = (text) => cleanReason(text)) {
    this.reasonOf = reasonOf;
  }

  /**
   * Takes the next packet.
   * @returns true once the report is complete
   * @throws CairnError `corrupt` when no report looks like this
   */
  push(packet: Packet): boolean {
    if (packet.kind === 'flush') this.complete = true;
    else if (packet.kind === 'data') this.line(textOf(packet.payload));
    else throw unexpected(`a ${packet.kind} packet`);
    return this.complete;
  }

  /** The report. @throws CairnError `corrupt` when it is not complete */
  get result(): PushReport {
    if (!this.complete || this.unpack === undefined) throw unexpected('its end');
    return { unpack: this.unpack, refs: this.refs };
  }

  private line(line: string): void {
    const [, status, rest = ''] = /^(unpack|ok|ng|option) (.*)$/s.exec(line) ?? [];
    if (status === 'unpack' && this.unpack === undefined) {
      this.unpack = this.reasonOf(rest);
      return;
    }
    if (status === 'unpack') throw unexpected('second result of the pack');
    // `option …` lines of version 2 tell how a ref was rewritten, which is never asked for.
    if (status === undefined || this.unpack === undefined)
      throw unexpected(JSON.stringify(this.reasonOf(line)));
    if (status === 'ok') this.refs.set(rest, undefined);
    if (status === 'ng') {
      const space = rest.indexOf(' ');
      const name = space === -1 ? rest : rest.slice(0, space);
      this.refs.set(name, this.reasonOf(space === -1 ? 'no reason given' : rest.slice(space + 1)));
    }
  }
}

function unexpected(what: string): CairnError {
  return new CairnError('corrupt', `the remote does not report a push as git does: unexpected ${what}`);
}
