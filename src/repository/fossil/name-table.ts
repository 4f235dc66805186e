import type { ArtifactName } from '../../fossil/artifact-name.ts';
import type { Random } from '../../lib/random.ts';

/** Bytes of a SHA-1 name, and of a SHA3-256 name. */
const SHORT = 20;
const LONG = 32;

/** Slots of an empty table; a power of two. */
const FIRST = 64;

/**
 * Hashes names for tables by simple tabulation over random numbers: strangers choose the names in clusters, and cannot choose
 * names that meet in one place of a table whose numbers they do not know. One for all tables of a process.
 */
export class NameHash {
  private readonly numbers: Uint32Array;

  constructor(random: Random) {
    const bytes = Buffer.from(random.hex(LONG * 256 * 4), 'hex');
    this.numbers = Uint32Array.from({ length: LONG * 256 }, (_, at) => bytes.readUInt32LE(4 * at));
  }

  /** 256 random numbers for each byte of a name; the hash of a name is what it selects, combined by exclusive or. */
  get table(): Uint32Array {
    return this.numbers;
  }

  /** @param bytes holds a name of `length` bytes from `at` on */
  of(bytes: Uint8Array, at: number, length: number): number {
    const { numbers } = this;
    let hash = 0;
    for (let byte = 0; byte < length; byte++) {
      hash ^= numbers[(byte << 8) | (bytes[at + byte] ?? 0)] ?? 0;
    }
    return hash >>> 0;
  }
}

/** Names as an index has them, one behind the other. */
export interface NameRun {
  readonly bytes: Uint8Array;
  /** Where the first of them begins. */
  readonly at: number;
  /** Where in the same bytes a 1 for each name of 32 bytes begins, and a 0 for each of 20. */
  readonly marks: number;
}

/**
 * Gives each name a number, from 0 on, in the order in which they are added. Takes some 45 bytes for a name, and no object. A name
 * never leaves.
 */
export class NameTable {
  private readonly hash: NameHash;
  private count = 0;
  /** 32 bytes for each name. */
  private bytes = Buffer.alloc(FIRST * LONG);
  /** 1 for a name of 32 bytes, 0 for one of 20. */
  private long = new Uint8Array(FIRST);
  /** A number plus one, in the first free place from the one that its hash selects; 0 for an empty place. */
  private places = new Uint32Array(2 * FIRST);
  private readonly probe = Buffer.alloc(LONG);

  constructor(hash: NameHash) {
    this.hash = hash;
  }

  /** How many names there are. All numbers are below. */
  get size(): number {
    return this.count;
  }

  /** Bytes of memory it takes. */
  get memory(): number {
    return this.bytes.length + this.long.length + this.places.byteLength;
  }

  /** The number of a name, or -1. */
  find(name: ArtifactName): number {
    return this.findBytes(this.probe, 0, this.load(name));
  }

  /** The number of a name, which is added if it is not there. */
  add(name: ArtifactName): number {
    const length = this.load(name);
    if (this.count === this.long.length) this.reserve(1);
    const place = this.placeOf(this.probe, 0, length);
    const found = this.places[place] ?? 0;
    if (found !== 0) return found - 1;
    const number = this.count++;
    this.probe.copy(this.bytes, number * LONG, 0, length);
    this.long[number] = length === LONG ? 1 : 0;
    this.places[place] = number + 1;
    return number;
  }

  /**
   * Adds names that follow each other. It calls nothing for a single name: the first index that a process reads is read before
   * its code is compiled, and then each call costs as much as a few bytes of a name.
   * @param numbers where their numbers go; as many names are read as it has places
   * @returns where the last of them ends
   */
  addRun({ bytes: source, at: begin, marks }: NameRun, numbers: Uint32Array): number {
    this.reserve(numbers.length);
    const { bytes, long, places } = this;
    const { table } = this.hash;
    const mask = places.length - 1;
    const { length: run } = numbers;
    let { count } = this;
    let at = begin;
    for (let name = 0; name < run; name++) {
      const isLong = source[marks + name] === 1 ? 1 : 0;
      const length = isLong === 1 ? LONG : SHORT;
      let hash = 0;
      for (let byte = 0; byte < length; byte++) hash ^= table[(byte << 8) | (source[at + byte] ?? 0)] ?? 0;
      let place = hash & mask;
      let number = (places[place] ?? 0) - 1;
      while (number >= 0) {
        const from = number * LONG;
        let isSame = long[number] === isLong;
        let byte = 0;
        // A step at least: V8 compiles again what it has not seen.
        do {
          isSame &&= bytes[from + byte] === source[at + byte];
          byte++;
        } while (isSame && byte < length);
        if (isSame) break;
        place = (place + 1) & mask;
        number = (places[place] ?? 0) - 1;
      }
      if (number < 0) {
        number = count++;
        places[place] = number + 1;
        long[number] = isLong;
        for (let byte = 0, to = number * LONG; byte < length; byte++)
          bytes[to + byte] = source[at + byte] ?? 0;
      }
      numbers[name] = number;
      at += length;
    }
    this.count = count;
    return at;
  }

  /** Makes room for names that are about to be added: a table that grows in many steps places its names again in each. */
  reserve(names: number): void {
    let capacity = this.long.length;
    while (capacity < this.count + names) capacity *= 2;
    if (capacity > this.long.length) this.growTo(capacity);
  }

  at(number: number): ArtifactName {
    const from = number * LONG;
    return this.bytes.toString('hex', from, from + this.lengthOf(number)) as ArtifactName;
  }

  /** Bytes of a name: 20 or 32. */
  lengthOf(number: number): number {
    return this.long[number] === 1 ? LONG : SHORT;
  }

  /** Copies the bytes of a name. @returns how many there are */
  copyTo(number: number, target: Uint8Array, at: number): number {
    const length = this.lengthOf(number);
    const from = number * LONG;
    for (let byte = 0; byte < length; byte++) target[at + byte] = this.bytes[from + byte] ?? 0;
    return length;
  }

  /** The names themselves, for loops over many: 32 bytes for each, and 1 for those of 32 bytes. They are replaced when it grows. */
  get columns(): { readonly bytes: Uint8Array; readonly long: Uint8Array } {
    const { bytes, long } = this;
    return { bytes, long };
  }

  /** The first `count` names as a table of their own. */
  copy(count: number): NameTable {
    const copy = new NameTable(this.hash);
    const capacity = Math.max(FIRST, capacityFor(count));
    copy.bytes = Buffer.alloc(capacity * LONG);
    this.bytes.copy(copy.bytes, 0, 0, count * LONG);
    copy.long = new Uint8Array(capacity);
    copy.long.set(this.long.subarray(0, count));
    copy.places = new Uint32Array(2 * capacity);
    copy.count = count;
    for (let number = 0; number < count; number++) copy.place(number, copy.places);
    return copy;
  }

  private findBytes(bytes: Uint8Array, at: number, length: number): number {
    return (this.places[this.placeOf(bytes, at, length)] ?? 0) - 1;
  }

  /** The place of a name, or the free one where it would be put. */
  private placeOf(bytes: Uint8Array, at: number, length: number): number {
    const { places } = this;
    const mask = places.length - 1;
    for (let place = this.hash.of(bytes, at, length) & mask; ; place = (place + 1) & mask) {
      const number = (places[place] ?? 0) - 1;
      if (number < 0) return place;
      if (this.lengthOf(number) === length && this.isAt(number * LONG, bytes, at, length)) return place;
    }
  }

  private isAt(from: number, bytes: Uint8Array, at: number, length: number): boolean {
    for (let byte = 0; byte < length; byte++) {
      if (this.bytes[from + byte] !== bytes[at + byte]) return false;
    }
    return true;
  }

  private load(name: ArtifactName): number {
    return this.probe.write(name, 'hex');
  }

  private place(number: number, places: Uint32Array): void {
    const mask = places.length - 1;
    let place = this.hash.of(this.bytes, number * LONG, this.lengthOf(number)) & mask;
    while (places[place] !== 0) place = (place + 1) & mask;
    places[place] = number + 1;
  }

  private growTo(capacity: number): void {
    const bytes = Buffer.alloc(capacity * LONG);
    this.bytes.copy(bytes);
    this.bytes = bytes;
    const long = new Uint8Array(capacity);
    long.set(this.long);
    this.long = long;
    this.places = new Uint32Array(2 * capacity);
    for (let number = 0; number < this.count; number++) this.place(number, this.places);
  }
}

/** The power of two that is at least as great. */
function capacityFor(count: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, count)));
}
