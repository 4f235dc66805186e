import type { S3Client } from '@aws-sdk/client-s3';
import type { ObjectStore, ObjectStorePair } from '../object-store.ts';
import { withPrefix } from '../with-prefix.ts';
import { createS3Client, type S3Access } from './s3-client.ts';
import { presignerOf } from './s3-presign.ts';
import { type S3Profile, STANDARD_PROFILE } from './s3-profile.ts';
import { S3ObjectStore } from './s3-store.ts';
import type { AgentLimits } from './watched-agent.ts';

const MULTIPART_ABOVE = 64 * 1024 * 1024;

/** Short times: a pointer or manifest is small, and a client waits. */
const CONTROL_LIMITS: AgentLimits = { sockets: 64, connect: 5_000, noProgress: 10_000 };
/** Long times: completing a large upload takes a store some time. */
const BULK_LIMITS: AgentLimits = { sockets: 128, connect: 5_000, noProgress: 60_000 };

export interface S3Options extends S3Access {
  /** All objects are kept below `<prefix>/`. */
  readonly prefix?: string;
  /** Found by the probe. The default is that of AWS. */
  readonly profile?: S3Profile;
  /** Times and numbers of connections, if not the default. */
  readonly control?: Partial<AgentLimits>;
  readonly bulk?: Partial<AgentLimits>;
  /** The URL under which clients reach the service; `endpoint` by default. Only presigned URLs contain it. */
  readonly publicEndpoint?: string;
  /** Larger bodies are sent in parts; 64 MiB by default. */
  readonly multipartAbove?: number;
}

/**
 * Opens a bucket over two pools of connections. It sends no request itself. Every request is sent once; `withRetry`
 * repeats reads.
 * @throws CairnError `invalid` for a prefix that no key can have
 */
export function openS3(options: S3Options): ObjectStorePair {
  const prefix = options.prefix ?? '';
  const control = createS3Client(options, { ...CONTROL_LIMITS, ...options.control });
  const bulk = createS3Client(options, { ...BULK_LIMITS, ...options.bulk });
  const open = (client: S3Client): ObjectStore => {
    const store = new S3ObjectStore({
      client,
      place: { bucket: options.bucket, endpoint: options.endpoint ?? 'AWS' },
      profile: options.profile ?? STANDARD_PROFILE,
      multipartAbove: options.multipartAbove ?? MULTIPART_ABOVE,
    });
    return withPrefix(store, prefix);
  };
  const endpoint = options.publicEndpoint ?? options.endpoint;
  const { bucket, forcePathStyle } = options;
  const named = {
    bucket,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(forcePathStyle === undefined ? {} : { forcePathStyle }),
  };
  return {
    control: open(control),
    bulk: open(bulk),
    presignGet: presignerOf(control, named, prefix.replace(/\/*$/, prefix === '' ? '' : '/')),
  };
}
