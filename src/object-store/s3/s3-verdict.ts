/**
 * Classifies the answers to S3 requests other than plain success. Error codes come first, then status numbers: an
 * error document may arrive with status 200, and stores differ more in numbers than in codes.
 */
import { messageOf, systemCode } from '../../lib/errors.ts';
import type { RefusalFault } from '../store-refused.ts';

/**
 * - `not-modified`   304
 * - `precondition`   412: a condition did not hold
 * - `conflict`       409: another write was under way
 * - `no-key`         the store says that the key does not exist
 * - `nothing-there`  a 404 without a reason, which is all HEAD can say: the key or the bucket
 * - `bad-range`      416
 * - `refused`        certainly not done; a retry fails until somebody changes the configuration
 * - `not-sent`       nothing reached the store
 * - `unanswered`     no answer, or one without meaning: the request may have succeeded
 */
export type S3Verdict =
  | { readonly is: 'not-modified' | 'precondition' | 'conflict' | 'no-key' | 'nothing-there' | 'bad-range' }
  | { readonly is: 'refused'; readonly fault: RefusalFault; readonly reason: string }
  | { readonly is: 'not-sent' | 'unanswered'; readonly reason: string };

/** The destination of the request, for messages. */
export interface S3Place {
  readonly bucket: string;
  readonly endpoint: string;
}

interface Failure {
  readonly status: number | undefined;
  readonly code: string;
  readonly message: string;
}

const BY_CODE: Readonly<Record<string, S3Verdict['is']>> = {
  PreconditionFailed: 'precondition',
  ConditionalRequestConflict: 'conflict',
  OperationAborted: 'conflict',
  NoSuchKey: 'no-key',
  NotFound: 'nothing-there',
  NotModified: 'not-modified',
  InvalidRange: 'bad-range',
};

const BY_STATUS: Readonly<Record<number, S3Verdict['is']>> = {
  304: 'not-modified',
  409: 'conflict',
  412: 'precondition',
  416: 'bad-range',
};

/** Codes of 4xx answers that mean "not now" instead of "no". */
const NOT_NOW = new Set(['RequestTimeout', 'SlowDown', 'Throttling', 'TooManyRequests']);
const NOT_NOW_STATUS = new Set([408, 425, 429]);

/** Classifies an exception of the S3 client. */
export function judge(error: unknown, place: S3Place): S3Verdict {
  const failure = readFailure(error);
  const { status, code } = failure;
  if (status === undefined) return judgeUnanswered(error, place);
  const named = BY_CODE[code];
  if (isPlain(named)) return { is: named };
  const refusal = refusalOf(failure, place);
  if (refusal !== undefined) {
    return { is: 'refused', fault: code === 'NotImplemented' ? 'store' : 'setting', reason: refusal };
  }
  const numbered = BY_STATUS[status];
  if (isPlain(numbered)) return { is: numbered };
  const said = `${status} ${code}`.trim() + (failure.message === '' ? '' : `: ${failure.message}`);
  const isFinal = status >= 300 && status < 500 && !NOT_NOW_STATUS.has(status) && !NOT_NOW.has(code);
  if (isFinal) {
    const reason = `the object store at ${place.endpoint} refused a request: ${said}`;
    return { is: 'refused', fault: 'request', reason };
  }
  return { is: 'unanswered', reason: `the object store at ${place.endpoint} answered ${said}` };
}

type PlainVerdict = Exclude<S3Verdict, { reason: string }>['is'];

function isPlain(is: S3Verdict['is'] | undefined): is is PlainVerdict {
  return is !== undefined && is !== 'refused' && is !== 'not-sent' && is !== 'unanswered';
}

/** What is wrong with the configuration, if the store says so. */
function refusalOf(failure: Failure, place: S3Place): string | undefined {
  const { status, code, message } = failure;
  switch (code) {
    case 'NoSuchBucket':
      return `there is no bucket "${place.bucket}" at ${place.endpoint}`;
    case 'PermanentRedirect':
    case 'AuthorizationHeaderMalformed':
    case 'IllegalLocationConstraintException':
      return `the bucket "${place.bucket}" is not in the configured region: ${message}`;
    case 'RequestTimeTooSkewed':
      return `the object store at ${place.endpoint} says that the clock of this machine is wrong: ${message}`;
    case 'NotImplemented':
      return `the object store at ${place.endpoint} does not have what Cairn needs: ${message}`;
    default:
  }
  if (status === 401 || status === 403) {
    return `the object store at ${place.endpoint} does not accept the credentials for bucket "${place.bucket}"${
      code === '' ? '' : ` (${code})`
    }`;
  }
  return undefined;
}

/** What the SDK says of an answer that it cannot parse, for example a page. It advises programmers. */
const NOT_S3 = /XML parse error|Deserialization error/;

function readFailure(error: unknown): Failure {
  const { $metadata, name, Code } = error as {
    readonly $metadata?: { readonly httpStatusCode?: number };
    readonly name?: unknown;
    readonly Code?: unknown;
  };
  const code = typeof Code === 'string' ? Code : typeof name === 'string' ? name : '';
  const message = messageOf(error);
  return {
    status: $metadata?.httpStatusCode,
    // The SDK uses these names for answers without a code.
    code: code === 'Unknown' || code === 'UnknownError' || code === 'Error' || /^\d+$/.test(code) ? '' : code,
    message: readableMessage(message),
  };
}

/** @returns an empty text if the message says nothing */
function readableMessage(message: string): string {
  if (NOT_S3.test(message)) return 'this is no answer of S3: check the endpoint';
  return message === 'UnknownError' || message === 'Unknown' ? '' : message;
}

/** System calls that fail before a byte of the request is sent. */
const BEFORE_SENDING = new Set(['connect', 'getaddrinfo']);
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_(?:GET|VERIFY)|ERR_SSL|ERR_TLS/;

function judgeUnanswered(error: unknown, place: S3Place): S3Verdict {
  const message = messageOf(error);
  const name = error instanceof Error ? error.name : '';
  if (name === 'CredentialsProviderError' || name === 'TokenProviderError') {
    return {
      is: 'refused',
      fault: 'setting',
      reason: `no credentials for the object store at ${place.endpoint}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or another source of the AWS tools (${message})`,
    };
  }
  if (message.startsWith('Region is missing')) {
    return {
      is: 'refused',
      fault: 'setting',
      reason: `no region is configured for the bucket "${place.bucket}"`,
    };
  }
  const code = systemCode(error) ?? '';
  if (CERTIFICATE.test(code)) {
    return {
      is: 'refused',
      fault: 'setting',
      reason: `the certificate of ${place.endpoint} is not accepted: ${message}`,
    };
  }
  // Node tries several addresses of a host name and throws all their errors as one.
  const first = error instanceof AggregateError ? error.errors[0] : error;
  const syscall = first instanceof Error && 'syscall' in first ? String(first.syscall) : '';
  if (BEFORE_SENDING.has(syscall)) {
    return {
      is: 'not-sent',
      reason: `cannot reach the object store at ${place.endpoint}: ${messageOf(first)}`,
    };
  }
  return { is: 'unanswered', reason: `no answer from the object store at ${place.endpoint}: ${message}` };
}
