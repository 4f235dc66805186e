import { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { CairnError } from '../../lib/errors.ts';
import { checkedBody } from '../checked-body.ts';
import { checkKey, checkKeyPart, checkMode, checkRange, clipRange, isKey } from '../object-key.ts';
import {
  bodyLength,
  type GetOptions,
  type GetResult,
  type HeadResult,
  type ListedObject,
  type ListOptions,
  type ObjectBody,
  type ObjectStore,
  type PutMode,
  type PutOutcome,
} from '../object-store.ts';
import { StoreRefusedError } from '../store-refused.ts';
import { type OpenBody, openBody, sendPart } from './s3-body.ts';
import { putMultipart } from './s3-multipart.ts';
import { outcomeOfAnswer, outcomeOfError, readError, versionOfETag } from './s3-outcome.ts';
import type { S3Profile } from './s3-profile.ts';
import { judge, type S3Place } from './s3-verdict.ts';

/** The largest single PUT that the protocol allows. */
const LARGEST_PUT = 5 * 1024 ** 3;
/** For larger bodies the condition is checked before the upload. */
const MANY_BYTES = 64 * 1024 ** 2;

export interface S3StoreOptions {
  readonly client: S3Client;
  readonly place: S3Place;
  readonly profile: S3Profile;
  /** Larger bodies are sent in parts. */
  readonly multipartAbove: number;
}

/** An S3 bucket, or anything that speaks its protocol. Every request is sent once. */
export class S3ObjectStore implements ObjectStore {
  private readonly client: S3Client;
  private readonly place: S3Place;
  private readonly profile: S3Profile;
  private readonly multipartAbove: number;

  constructor(options: S3StoreOptions) {
    this.client = options.client;
    this.place = options.place;
    this.profile = options.profile;
    // Where multipart uploads ignore conditions, single PUTs are used up to their limit.
    this.multipartAbove = options.profile.multipart === 'conditional' ? options.multipartAbove : LARGEST_PUT;
  }

  async get(key: string, options: GetOptions = {}): Promise<GetResult> {
    checkKey(key);
    checkRange(options.range);
    options.signal?.throwIfAborted();
    const { range, ifNoneMatch, signal } = options;
    // HTTP cannot express a range of zero bytes.
    if (range?.length === 0) return this.getNothing(key, options);
    const command = new GetObjectCommand({
      ...this.target(key),
      ...(range === undefined ? {} : { Range: `bytes=${range.offset}-${range.offset + range.length - 1}` }),
      ...(ifNoneMatch === undefined ? {} : { IfNoneMatch: `"${ifNoneMatch}"` }),
    });
    let output: GetObjectCommandOutput;
    try {
      output = await this.client.send(command, sendOptions(signal));
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      const verdict = judge(error, this.place);
      if (verdict.is === 'not-modified') return { found: false, reason: 'not-modified' };
      if (verdict.is === 'no-key') return { found: false, reason: 'missing' };
      if (verdict.is === 'bad-range') return this.getNothing(key, options);
      throw readError(error, this.place);
    }
    return this.found(key, output, options);
  }

  async head(key: string, options: { readonly signal?: AbortSignal } = {}): Promise<HeadResult> {
    checkKey(key);
    const { signal } = options;
    signal?.throwIfAborted();
    try {
      const output = await this.client.send(new HeadObjectCommand(this.target(key)), sendOptions(signal));
      return { found: true, version: this.version(key, output.ETag), size: output.ContentLength ?? 0 };
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      if (error instanceof CairnError) throw error;
      const verdict = judge(error, this.place);
      if (verdict.is === 'no-key' || verdict.is === 'nothing-there') return this.headByGet(key, options);
      throw readError(error, this.place);
    }
  }

  async put(
    key: string,
    body: ObjectBody,
    mode: PutMode,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<PutOutcome> {
    checkKey(key);
    checkMode(mode);
    options.signal?.throwIfAborted();
    const opened = await openBody(body);
    try {
      const length = bodyLength(body);
      if (length <= this.multipartAbove)
        return await this.putSingle(key, opened, length, mode, options.signal);
      return await this.putInParts(key, opened, length, mode, options.signal);
    } finally {
      await opened.close();
    }
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ListedObject> {
    checkKeyPart(prefix);
    checkKeyPart(options.startAfter ?? '');
    const { startAfter, signal } = options;
    let page: { readonly StartAfter?: string; readonly ContinuationToken?: string } =
      startAfter === undefined || startAfter === '' ? {} : { StartAfter: startAfter };
    for (;;) {
      signal?.throwIfAborted();
      const command = new ListObjectsV2Command({ Bucket: this.place.bucket, Prefix: prefix, ...page });
      const output = await this.client.send(command, sendOptions(signal)).catch((error: unknown) => {
        throw signal?.aborted ? signal.reason : readError(error, this.place);
      });
      for (const { Key, Size } of output.Contents ?? []) {
        // Other programs may keep objects in the bucket under names that are not valid keys of Cairn.
        if (Key !== undefined && isKey(Key)) yield { key: Key, size: Size ?? 0 };
      }
      if (output.IsTruncated !== true || output.NextContinuationToken === undefined) return;
      page = { ContinuationToken: output.NextContinuationToken };
    }
  }

  async delete(key: string, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    checkKey(key);
    const { signal } = options;
    signal?.throwIfAborted();
    try {
      await this.client.send(new DeleteObjectCommand(this.target(key)), sendOptions(signal));
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      if (judge(error, this.place).is !== 'no-key') throw readError(error, this.place);
    }
  }

  async close(): Promise<void> {
    this.client.destroy();
  }

  private target(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.place.bucket, Key: key };
  }

  private condition(mode: PutMode): { readonly IfMatch?: string; readonly IfNoneMatch?: string } {
    switch (mode.mode) {
      case 'create':
        return { IfNoneMatch: '*' };
      case 'replace':
        return { IfMatch: this.profile.ifMatch === 'quoted' ? `"${mode.version}"` : mode.version };
      case 'overwrite':
        return {};
    }
  }

  private async putSingle(
    key: string,
    body: OpenBody,
    length: number,
    mode: PutMode,
    signal: AbortSignal | undefined,
  ): Promise<PutOutcome> {
    const target = { ...this.target(key), ...this.condition(mode), ContentLength: length };
    try {
      const { ETag } = await sendPart(body.part(0, length), signal, (Body, abortSignal) =>
        this.client.send(new PutObjectCommand({ ...target, Body }), { abortSignal }),
      );
      return outcomeOfAnswer(ETag);
    } catch (error) {
      if (signal?.aborted) return { outcome: 'unknown', cause: signal.reason };
      return outcomeOfError(error, mode, this.place);
    }
  }

  private async putInParts(
    key: string,
    body: OpenBody,
    length: number,
    mode: PutMode,
    signal: AbortSignal | undefined,
  ): Promise<PutOutcome> {
    if (length > MANY_BYTES) {
      // Check first: otherwise the store would refuse only after all bytes are sent.
      const refused = await this.refusal(key, mode, signal);
      if (refused !== undefined) return refused;
    }
    // Unconditional only above the largest PUT, and only after the check above: best effort, no promise.
    const isConditional = this.profile.multipart === 'conditional';
    if (!isConditional && mode.mode === 'replace') {
      throw new CairnError(
        'invalid',
        `${key}: this object store cannot replace an object with more than ${LARGEST_PUT} bytes`,
      );
    }
    const condition = isConditional ? this.condition(mode) : {};
    const { client, place } = this;
    return putMultipart({ client, place, key, body, length, mode, condition, signal });
  }

  private async refusal(
    key: string,
    mode: PutMode,
    signal: AbortSignal | undefined,
  ): Promise<PutOutcome | undefined> {
    if (mode.mode === 'overwrite') return undefined;
    const head = await this.head(key, signal === undefined ? {} : { signal });
    if (mode.mode === 'create') return head.found ? { outcome: 'exists' } : undefined;
    if (!head.found) return { outcome: 'missing' };
    return head.version === mode.version ? undefined : { outcome: 'changed' };
  }

  /** HEAD cannot tell whether the key or the bucket is missing; GET can. */
  private async headByGet(key: string, options: { readonly signal?: AbortSignal }): Promise<HeadResult> {
    const result = await this.get(key, { ...options, range: { offset: 0, length: 1 } });
    if (!result.found) return { found: false };
    result.body.destroy();
    return { found: true, version: result.version, size: result.size };
  }

  /** The answer to a range beyond the end, where S3 returns neither version nor size. */
  private async getNothing(key: string, options: GetOptions): Promise<GetResult> {
    const head = await this.head(key, options.signal === undefined ? {} : { signal: options.signal });
    if (!head.found) return { found: false, reason: 'missing' };
    if (head.version === options.ifNoneMatch) return { found: false, reason: 'not-modified' };
    if (clipRange(head.size, options.range).length > 0) {
      throw new CairnError('unavailable', `${key} changed while a part of it was read`);
    }
    return { ...head, body: Readable.from([], { objectMode: false }) };
  }

  private found(key: string, output: GetObjectCommandOutput, options: GetOptions): GetResult {
    const { Body: source, ContentLength: length = 0 } = output;
    if (!(source instanceof Readable)) throw new CairnError('unavailable', `${key} came without a body`);
    try {
      const version = this.version(key, output.ETag);
      const size = sizeOf(output, key);
      const expected = clipRange(size, options.range).length;
      if (length !== expected) {
        throw new StoreRefusedError(
          'store',
          `${key}: asked for ${expected} bytes, the object store sends ${length}`,
        );
      }
      const what = `${key} from ${this.place.endpoint}`;
      return {
        found: true,
        version,
        size,
        body: checkedBody(source, { length, what, signal: options.signal }),
      };
    } catch (error) {
      source.destroy();
      throw error;
    }
  }

  private version(key: string, etag: string | undefined): string {
    const version = versionOfETag(etag);
    if (version !== undefined) return version;
    throw new StoreRefusedError(
      'store',
      `${this.place.endpoint} gives ${key} the ETag ${JSON.stringify(etag ?? '')}, which cannot tell two bodies apart`,
    );
  }
}

/** The size of the whole object, from an answer that may contain only a part of it. */
function sizeOf(output: GetObjectCommandOutput, key: string): number {
  if (output.ContentRange === undefined) return output.ContentLength ?? 0;
  const [, total] = /^bytes \d+-\d+\/(\d+)$/.exec(output.ContentRange) ?? [];
  if (total === undefined)
    throw new CairnError('unavailable', `${key} came with the range ${output.ContentRange}`);
  return Number(total);
}

function sendOptions(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal };
}
