/**
 * The capabilities that one side of a connection sends: words in the order they were sent, some with a value, some
 * repeated (`symref=…`). See gitprotocol-capabilities and gitprotocol-v2.
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

  /** The first value of `name`: '' if it has no value, undefined if it was not sent. */
  value(name: string): string | undefined {
    return this.values(name)[0];
  }

  /** Every value of `name`, in order. */
  values(name: string): string[] {
    const found = this.#entries.filter((entry) => nameOf(entry) === name);
    return found.map((entry) => entry.slice(name.length + 1));
  }

  /** All of them, as they were sent. */
  list(): readonly string[] {
    return this.#entries;
  }

  /** The space-separated list of protocol v0 and v1. */
  toString(): string {
    return this.#entries.join(' ');
  }
}

/** Parses the space-separated list of protocol v0 and v1. Protocol v2 sends one capability a packet instead. */
export function parseCapabilities(text: string): Capabilities {
  return new Capabilities(text.split(/\s+/).filter((word) => word !== ''));
}

function nameOf(entry: string): string {
  const equals = entry.indexOf('=');
  return equals === -1 ? entry : entry.slice(0, equals);
}
