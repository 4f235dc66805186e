import type { Cooperative } from '../../lib/cooperative.ts';
import { LruMap } from '../../lib/lru.ts';
import { encodeEvent, type NostrEvent } from '../../nostr/event.ts';
import type { KeptEvent } from '../events.ts';
import type { EventContents } from './event-contents.ts';
import type { EventRows } from './event-rows.ts';

/** Where the JSON of an event is on local disk. */
export interface Place {
  readonly position: number;
  readonly length: number;
}

/** How many bytes of recently used JSON stay in memory; as objects they take about three times as much. */
const HOT_BYTES = 8 * 1024 * 1024;

/** An event that has been read. */
interface Hot {
  readonly stamp: number;
  readonly event: NostrEvent;
  readonly json: string;
}

/** The events of rows, read from local disk on demand. */
export class RowContents {
  private readonly rows: EventRows;
  private readonly contents: EventContents;
  private readonly hot = new LruMap<number, Hot>(HOT_BYTES);

  constructor(rows: EventRows, contents: EventContents) {
    this.rows = rows;
    this.contents = contents;
  }

  /** Writes the JSON of an event to local disk. @throws CairnError `unavailable` */
  place(event: NostrEvent): Place {
    const json = Buffer.from(encodeEvent(event));
    return { position: this.contents.append(json), length: json.length };
  }

  drop({ position, length }: Place): void {
    this.contents.drop(position, length);
  }

  /** Call it before a row is removed. */
  forget(row: number): void {
    this.hot.delete(row);
    this.contents.drop(this.rows.position(row), this.rows.length(row));
  }

  /** @throws CairnError `unavailable` when the local disk fails */
  event(row: number): NostrEvent {
    return this.read(row).event;
  }

  /** The JSON of the event in a row; undefined when another event is there now. @throws CairnError `unavailable` */
  jsonOf(row: number, stamp: number): string | undefined {
    return this.rows.stampOf(row) === stamp ? this.read(row).json : undefined;
  }

  /** The event in a row; undefined when another event is there now. @throws CairnError `unavailable` */
  eventOf(row: number, stamp: number): NostrEvent | undefined {
    return this.rows.stampOf(row) === stamp ? this.read(row).event : undefined;
  }

  /** The event that is in a row now, to be read later. */
  kept(row: number): KeptEvent {
    return new KeptRow(this, row, this.rows.stampOf(row));
  }

  /** Frees space on local disk: if most of a file is not needed, moves the rest to another one. Usually does nothing. */
  *tidying(): Cooperative<void> {
    const { rows, contents } = this;
    const file = contents.wasted();
    if (file === undefined) return;
    for (let row = 0; row < rows.end; row++) {
      if (rows.stampOf(row) === 0) continue;
      const [position, length] = [rows.position(row), rows.length(row)];
      if (contents.fileOf(position) !== file) continue;
      rows.moved(row, contents.append(contents.read(position, length)));
      contents.drop(position, length);
      yield;
    }
  }

  private read(row: number): Hot {
    const stamp = this.rows.stampOf(row);
    const known = this.hot.get(row);
    if (known?.stamp === stamp) return known;
    const json = this.contents.read(this.rows.position(row), this.rows.length(row)).toString('utf8');
    const hot = { stamp, event: JSON.parse(json) as NostrEvent, json };
    this.hot.set(row, hot, json.length);
    return hot;
  }
}

/** An event in a row, as long as it is there. */
class KeptRow implements KeptEvent {
  private readonly contents: RowContents;
  private readonly row: number;
  private readonly stamp: number;

  constructor(contents: RowContents, row: number, stamp: number) {
    this.contents = contents;
    this.row = row;
    this.stamp = stamp;
  }

  get event(): NostrEvent | undefined {
    return this.contents.eventOf(this.row, this.stamp);
  }

  get json(): string | undefined {
    return this.contents.jsonOf(this.row, this.stamp);
  }
}
