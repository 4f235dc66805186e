import type { ArtifactName } from '../../fossil/artifact-name.ts';
import { payloadContentSize } from '../../fossil/compression.ts';
import { deltaOutputSize } from '../../fossil/delta.ts';
import { isCairnError } from '../../lib/errors.ts';
import type { ReceivedArtifact } from '../../repository/fossil/prepared-artifacts.ts';

/** Where payloads are until all pages of a clone are there. */
export interface PayloadSpool extends AsyncDisposable {
  /** @returns what {@link read} takes to give it back */
  append(payload: Uint8Array): Promise<number>;
  read(place: number, length: number): Promise<Uint8Array>;
}

/** A spool in memory. */
export class MemorySpool implements PayloadSpool {
  private readonly payloads: Uint8Array[] = [];

  async append(payload: Uint8Array): Promise<number> {
    // A copy: the payload is a view of a whole page.
    this.payloads.push(Uint8Array.from(payload));
    return this.payloads.length - 1;
  }

  async read(place: number): Promise<Uint8Array> {
    return this.payloads[place] ?? new Uint8Array(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.payloads.length = 0;
  }
}

/** What is taken in at once: each batch is verified and stored as one. */
const BATCH = { records: 100_000, payload: 64 * 2 ** 20, content: 512 * 2 ** 20 };

interface Staged extends Omit<ReceivedArtifact, 'payload'> {
  readonly place: number;
  readonly length: number;
  /** Bytes of the content, as declared. */
  readonly declared: number;
}

/**
 * What the pages of a clone brought. Servers send old versions as deltas of newer ones, which come later; so nothing is taken in
 * before everything is there, and then each after its source.
 */
export class CloneStaging {
  private readonly spool: PayloadSpool;
  private readonly staged = new Map<ArtifactName, Staged>();

  constructor(spool: PayloadSpool) {
    this.spool = spool;
  }

  get count(): number {
    return this.staged.size;
  }

  /** Keeps an artifact. @returns false if it is here already; a public one takes the place of a private one */
  async add(artifact: ReceivedArtifact): Promise<boolean> {
    const { payload, ...rest } = artifact;
    const known = this.staged.get(artifact.name);
    if (known !== undefined && (artifact.isPrivate || !known.isPrivate)) return false;
    const place = await this.spool.append(payload);
    const staged = { ...rest, place, length: payload.length, declared: declaredSize(artifact) };
    this.staged.set(artifact.name, staged);
    return known === undefined;
  }

  /** Everything, each after what it is a delta of, in batches that can be taken in one after the other. */
  async *batches(): AsyncGenerator<readonly ReceivedArtifact[], void, undefined> {
    let batch: ReceivedArtifact[] = [];
    let [payload, content] = [0, 0];
    for (const { place, length, declared, ...artifact } of this.inOrder()) {
      const isFull =
        batch.length >= BATCH.records ||
        payload + length > BATCH.payload ||
        content + declared > BATCH.content;
      if (isFull && batch.length > 0) {
        yield batch;
        batch = [];
        [payload, content] = [0, 0];
      }
      batch.push({ ...artifact, payload: await this.spool.read(place, length) });
      payload += length;
      content += declared;
    }
    if (batch.length > 0) yield batch;
  }

  /** Artifacts that deltas are made of and that did not come. */
  missingSources(): readonly ArtifactName[] {
    const missing = new Set<ArtifactName>();
    for (const { source } of this.staged.values()) {
      if (source !== undefined && !this.staged.has(source)) missing.add(source);
    }
    return [...missing];
  }

  private *inOrder(): Generator<Staged> {
    const done = new Set<ArtifactName>();
    for (const first of this.staged.values()) {
      const chain: Staged[] = [];
      // A circle of deltas ends here, too: what is met again is in `done`.
      for (let at: Staged | undefined = first; at !== undefined && !done.has(at.name); ) {
        done.add(at.name);
        chain.push(at);
        at = at.source === undefined ? undefined : this.staged.get(at.source);
      }
      for (let artifact = chain.pop(); artifact !== undefined; artifact = chain.pop()) yield artifact;
    }
  }
}

/** How large an artifact says that its content is. Whether it is true shows when it is taken in. */
function declaredSize({ size, form, source, payload }: ReceivedArtifact): number {
  if (size !== undefined) return size;
  try {
    if (form === 'stored') return payloadContentSize(payload);
    return source === undefined ? payload.length : deltaOutputSize(payload);
  } catch (error) {
    if (!isCairnError(error)) throw error;
    return payload.length;
  }
}
