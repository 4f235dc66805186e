import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { CairnError } from '../../lib/errors.ts';
import type { PutMode, PutOutcome } from '../object-store.ts';
import { type OpenBody, sendPart } from './s3-body.ts';
import { outcomeOfAnswer, outcomeOfError, readError } from './s3-outcome.ts';
import type { S3Place } from './s3-verdict.ts';

const MEBIBYTE = 1024 * 1024;
const SMALLEST_PART = 16 * MEBIBYTE;
const MOST_PARTS = 10_000;
/** Two parts keep a connection busy while the store answers. Four were no faster and used more memory. */
const PARTS_AT_ONCE = 2;
const ATTEMPTS_PER_PART = 3;

export interface MultipartPut {
  readonly client: S3Client;
  readonly place: S3Place;
  readonly key: string;
  readonly body: OpenBody;
  readonly length: number;
  readonly mode: PutMode;
  /** `IfMatch` or `IfNoneMatch` of the last request; empty for none. */
  readonly condition: { readonly IfMatch?: string; readonly IfNoneMatch?: string };
  readonly signal: AbortSignal | undefined;
}

interface Part {
  readonly number: number;
  readonly offset: number;
  readonly length: number;
}

/**
 * Writes a large body in parts. Nothing is visible before the last request, and only that request carries the
 * condition, so parts may be sent again. A failed upload is aborted, so that the store frees its parts.
 * @throws CairnError `unavailable`, or the signal's reason, when the last request was not sent
 */
export async function putMultipart(put: MultipartPut): Promise<PutOutcome> {
  const target = { Bucket: put.place.bucket, Key: put.key };
  const uploadId = await beginUpload(put, target);
  const upload = { ...target, UploadId: uploadId };
  let outcome: PutOutcome | undefined;
  try {
    const parts = await sendParts(put, upload);
    outcome = await complete(put, upload, parts);
    return outcome;
  } finally {
    // After an unknown outcome the upload may still complete. The bucket's lifecycle rule cleans it up if not.
    const isOver = outcome?.outcome === 'written' || outcome?.outcome === 'unknown';
    if (!isOver) await abandon(put.client, upload);
  }
}

type Target = { readonly Bucket: string; readonly Key: string };
type Upload = Target & { readonly UploadId: string };
type SentPart = { readonly PartNumber: number; readonly ETag: string };

async function beginUpload(put: MultipartPut, target: Target): Promise<string> {
  try {
    const { UploadId } = await put.client.send(
      new CreateMultipartUploadCommand(target),
      sendOptions(put.signal),
    );
    if (UploadId !== undefined && UploadId !== '') return UploadId;
  } catch (error) {
    throw notWritten(error, put);
  }
  throw new CairnError('unavailable', 'the object store started a multipart upload without an upload id');
}

/** Equal parts, as R2 requires, each as small as the limit on their number allows. */
export function partsOf(length: number): readonly Part[] {
  const size = Math.max(SMALLEST_PART, Math.ceil(length / MOST_PARTS / MEBIBYTE) * MEBIBYTE);
  const count = Math.max(1, Math.ceil(length / size));
  return Array.from({ length: count }, (_, index) => ({
    number: index + 1,
    offset: index * size,
    length: Math.min(size, length - index * size),
  }));
}

async function sendParts(put: MultipartPut, upload: Upload): Promise<readonly SentPart[]> {
  const waiting = [...partsOf(put.length)];
  const sent: SentPart[] = [];
  const stop = new AbortController();
  const signal = put.signal === undefined ? stop.signal : AbortSignal.any([put.signal, stop.signal]);
  const sender = async () => {
    for (let part = waiting.shift(); part !== undefined; part = waiting.shift()) {
      sent.push(await sendOnePart(put, upload, part, signal));
    }
  };
  const senders = Array.from({ length: PARTS_AT_ONCE }, () =>
    sender().catch((error: unknown) => {
      waiting.length = 0;
      stop.abort(error);
      throw error;
    }),
  );
  // Wait for all senders: no part may still be on its way when the upload is aborted.
  await Promise.allSettled(senders);
  if (stop.signal.aborted) throw notWritten(stop.signal.reason, put);
  return sent.sort((left, right) => left.PartNumber - right.PartNumber);
}

async function sendOnePart(
  put: MultipartPut,
  upload: Upload,
  part: Part,
  signal: AbortSignal,
): Promise<SentPart> {
  for (let attempt = 1; ; attempt++) {
    try {
      const { ETag } = await sendPart(put.body.part(part.offset, part.length), signal, (Body, abortSignal) =>
        put.client.send(
          new UploadPartCommand({ ...upload, PartNumber: part.number, Body, ContentLength: part.length }),
          { abortSignal },
        ),
      );
      if (ETag === undefined)
        throw new CairnError('unavailable', 'the object store answered a part without an ETag');
      return { PartNumber: part.number, ETag };
    } catch (error) {
      if (attempt === ATTEMPTS_PER_PART || signal.aborted) throw error;
    }
  }
}

async function complete(put: MultipartPut, upload: Upload, parts: readonly SentPart[]): Promise<PutOutcome> {
  put.signal?.throwIfAborted();
  try {
    const command = new CompleteMultipartUploadCommand({
      ...upload,
      ...put.condition,
      MultipartUpload: { Parts: [...parts] },
    });
    const { ETag } = await put.client.send(command, sendOptions(put.signal));
    return outcomeOfAnswer(ETag);
  } catch (error) {
    if (put.signal?.aborted) return { outcome: 'unknown', cause: put.signal.reason };
    return outcomeOfError(error, put.mode, put.place);
  }
}

async function abandon(client: S3Client, upload: Upload): Promise<void> {
  try {
    await client.send(new AbortMultipartUploadCommand(upload));
  } catch {
    // The outcome of the write is already known. The bucket's lifecycle rule removes parts that stay.
  }
}

function notWritten(error: unknown, put: MultipartPut): unknown {
  if (put.signal?.aborted) return put.signal.reason;
  return error instanceof CairnError ? error : readError(error, put.place);
}

function sendOptions(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal };
}
