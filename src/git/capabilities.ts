/**
 * What one side of a connection says it can do or asks for: words, some with a value, in the order they were
 * sent, some of them repeated (`symref=…`). gitprotocol-capabilities, gitprotocol-v2.
 */
export class Capabilities {
  readonly #entries: readonly string[];

  /** `entries` are single capabilities: `name` or `name=value`. */
  constructor(entries: readonly string[] = []) {
    this.#entries = entries;
  }

  has(name: string): boolean {
    return this.#entries.some((entry) => nameOf(entry) === name);
  }

  /** The value first given for `name`: '' when it came without one, undefined when it did not come. */
  value(name: string): string | undefined {
    return this.values(name)[0];
  }

  /** Every value given for `name`, in order. */
  values(name: string): string[] {
    const found = this.#entries.filter((entry) => nameOf(entry) === name);
    return found.map((entry) => entry.slice(name.length + 1));
  }

  /** As it stands in the list of protocol v0 and v1. */
  toString(): string {
    return this.#entries.join(' ');
  }
}

/** Reads the space-separated list of protocol v0 and v1. Protocol v2 sends one capability a packet instead. */
export function parseCapabilities(text: string): Capabilities {
  return new Capabilities(text.split(/\s+/).filter((word) => word !== ''));
}

function nameOf(entry: string): string {
  const equals = entry.indexOf('=');
  return equals === -1 ? entry : entry.slice(0, equals);
}
