import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { type AgentLimits, watchedAgents } from './watched-agent.ts';

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface S3Access {
  readonly bucket: string;
  /** URL of the service; AWS by default. */
  readonly endpoint?: string;
  /** By default from the standard chain for AWS, and a fixed region for other endpoints, most of which ignore it. */
  readonly region?: string;
  /** Bucket in the path instead of the host name. The default is true for endpoints other than AWS. */
  readonly forcePathStyle?: boolean;
  /** By default from the standard chain: environment, shared files, container, instance. */
  readonly credentials?: S3Credentials;
}

const REGION_ELSEWHERE = 'us-east-1';
const NEVER_MS = 2 ** 31 - 1;

/** The SDK throws its errors; everything else it logs would appear on the console. */
const SILENT = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** Tigris replicates lazily across regions. With this header a request sees every answered write. */
const TIGRIS = /(?:^|\.)(?:tigris\.dev|storage\.dev)$/;

/** Creates a client with its own connections. It sends every request once. */
export function createS3Client(access: S3Access, limits: AgentLimits): S3Client {
  // The SDK prints on standard error that later versions need a later Node. The version here is pinned.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  const { endpoint, credentials } = access;
  const agents = watchedAgents(limits);
  const region = access.region ?? (endpoint === undefined ? undefined : REGION_ELSEWHERE);
  const config: S3ClientConfig = {
    maxAttempts: 1,
    cacheMiddleware: true,
    forcePathStyle: access.forcePathStyle ?? endpoint !== undefined,
    // Stores other than AWS fail on the checksums that the SDK adds by default. Cairn verifies SHA-256 on every read.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // Some stores never answer 100 Continue, and the wait costs a round trip on those that do.
    expectContinueHeader: false,
    requestHandler: new NodeHttpHandler({
      httpAgent: agents.http,
      httpsAgent: agents.https,
      socketAcquisitionWarningTimeout: NEVER_MS,
    }),
    logger: SILENT,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    ...(credentials === undefined ? {} : { credentials: { ...credentials } }),
  };
  const client = new S3Client(config);
  beforeEachRequest(client, 'dropIdleConnections', agents.dropIdle);
  if (endpoint !== undefined && TIGRIS.test(new URL(endpoint).hostname)) {
    beforeEachRequest(client, 'readYourWrites', (headers) => {
      headers['x-tigris-consistent'] = 'true';
    });
  }
  return client;
}

function beforeEachRequest(
  client: S3Client,
  name: string,
  act: (headers: Record<string, string>) => void,
): void {
  client.middlewareStack.add(
    (next) => (args) => {
      const { request } = args as { request?: { headers?: Record<string, string> } };
      act(request?.headers ?? {});
      return next(args);
    },
    { step: 'build', name },
  );
}
