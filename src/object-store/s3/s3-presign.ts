/**
 * URLs that allow their holder to read one object for a limited time: AWS Signature Version 4 in the query of the URL
 * ("Authenticating Requests: Using Query Parameters", Amazon S3 API Reference). It takes only a few hashes, so the
 * SDK's package for it is not needed.
 */
import { createHash, createHmac } from 'node:crypto';
import type { S3Client } from '@aws-sdk/client-s3';
import { systemClock } from '../../lib/clock.ts';
import { CairnError, messageOf } from '../../lib/errors.ts';
import { checkKey } from '../object-key.ts';
import type { PresignGet } from '../object-store.ts';
import type { S3Access, S3Credentials } from './s3-client.ts';

export interface PresignRequest {
  /** The object, without a query. */
  readonly url: URL;
  readonly region: string;
  readonly credentials: S3Credentials;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** How long the URL stays valid, in seconds; S3 allows at most a week. */
  readonly seconds: number;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';

/** The URL of a GET that needs no authorization but its signature. The URL does not reveal the secret key. */
export function presignedUrl({ url, region, credentials, now, seconds }: PresignRequest): string {
  const time = new Date(now).toISOString().replace(/[-:]|\.\d+/g, '');
  const scope = `${time.slice(0, 8)}/${region}/s3/aws4_request`;
  const parameters: [string, string][] = [
    ['X-Amz-Algorithm', ALGORITHM],
    ['X-Amz-Credential', `${credentials.accessKeyId}/${scope}`],
    ['X-Amz-Date', time],
    ['X-Amz-Expires', String(seconds)],
  ];
  if (credentials.sessionToken !== undefined) {
    parameters.push(['X-Amz-Security-Token', credentials.sessionToken]);
  }
  parameters.push(['X-Amz-SignedHeaders', 'host']);
  // The parameters are already sorted by name, as the signature requires.
  const query = parameters.map(([name, value]) => `${name}=${escaped(value)}`).join('&');
  const path = url.pathname.split('/').map((part) => escaped(decodeURIComponent(part)));
  const request = ['GET', path.join('/'), query, `host:${url.host}`, '', 'host', 'UNSIGNED-PAYLOAD'];
  const digest = createHash('sha256').update(request.join('\n')).digest('hex');
  const key = [time.slice(0, 8), region, 's3', 'aws4_request'].reduce(
    hmac,
    Buffer.from(`AWS4${credentials.secretAccessKey}`),
  );
  const signature = hmac(key, [ALGORITHM, time, scope, digest].join('\n')).toString('hex');
  return `${url.origin}${path.join('/')}?${query}&X-Amz-Signature=${signature}`;
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

/** Percent-encoding for signatures: all characters except the unreserved ones, with upper-case hex digits. */
function escaped(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/**
 * Signs URLs with the credentials of a client.
 * @param access `endpoint`: the URL under which clients reach the bucket
 * @param prefix the prefix of every key, with a slash at its end unless it is empty
 */
export function presignerOf(
  client: S3Client,
  access: Pick<S3Access, 'bucket' | 'endpoint' | 'forcePathStyle'>,
  prefix: string,
): PresignGet {
  return async (key, seconds) => {
    checkKey(key);
    try {
      const [region, credentials] = await Promise.all([client.config.region(), client.config.credentials()]);
      const { url: bucket } = client.config.endpointProvider({
        Bucket: access.bucket,
        Region: region,
        ForcePathStyle: access.forcePathStyle ?? access.endpoint !== undefined,
        ...(access.endpoint === undefined ? {} : { Endpoint: access.endpoint }),
      });
      const url = new URL(`${bucket.href.replace(/\/$/, '')}/${encodeURI(prefix + key)}`);
      return presignedUrl({ url, region, credentials, now: systemClock.now(), seconds });
    } catch (error) {
      throw new CairnError('unavailable', `cannot sign a URL for the object store: ${messageOf(error)}`, {
        cause: error,
      });
    }
  };
}
