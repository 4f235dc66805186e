/** A mirror as somebody asks for it. */
import { z } from 'zod';
import { CairnError } from '../../lib/errors.ts';
import { MIRROR_NAME } from '../../repository/git/git-manifest.ts';
import { MAX_ADDRESS } from '../../repository/records/mirrors-record.ts';
import { parseRemoteAddress } from '../remote/remote-address.ts';
import { type MirrorCredential, mirrorCredential } from './sealed-credentials.ts';

/** Longest interval, in seconds. */
const LONGEST_INTERVAL = 30 * 86_400;
const DEFAULT_INTERVAL = 900;

const common = {
  name: z.string().regex(MIRROR_NAME, 'expected 1 to 63 lower-case letters, digits and dashes'),
  address: z.string().max(MAX_ADDRESS, `expected at most ${MAX_ADDRESS} characters`),
  every: z.int().min(1).max(LONGEST_INTERVAL).optional(),
  credential: mirrorCredential.optional(),
};

const wanted = z.discriminatedUnion('direction', [
  z.strictObject({
    ...common,
    direction: z.literal('pull'),
    refs: z.enum(['follow', 'namespace']).default('namespace'),
    /** Allows a mirror that follows to overwrite the branches and tags that are there. */
    overwrite: z.boolean().default(false),
  }),
  z.strictObject({
    ...common,
    direction: z.literal('push'),
    prune: z.boolean().default(true),
    /** Allows the first run to delete and replace what only the target has. */
    overwrite: z.boolean().default(false),
  }),
]);

/** What to keep, checked. */
export type NewMirror = z.output<typeof wanted> & {
  /** Seconds. */
  readonly every: number;
  /** Scheme, host and port of the address. */
  readonly host: string;
};
export type { MirrorCredential };

export interface NewMirrorLimits {
  /** Shortest interval, in seconds. */
  readonly shortest: number;
}

/**
 * Checks what somebody asks for.
 * @param value from JSON
 * @throws CairnError `invalid`, which says what is wrong and shows no credential
 */
export function parseNewMirror(value: unknown, { shortest }: NewMirrorLimits): NewMirror {
  const result = wanted.safeParse(value);
  if (!result.success) throw invalid(result.error);
  const { every = Math.max(shortest, DEFAULT_INTERVAL), ...rest } = result.data;
  if (every < shortest) {
    throw new CairnError(
      'invalid',
      `every ${every} s is too often: the shortest interval on this server is ${shortest} s`,
    );
  }
  const url = addressOf(rest.address);
  return { ...rest, address: url.href, every, host: url.origin } as NewMirror;
}

/**
 * Checks a credential that somebody gives for a mirror.
 * @throws CairnError `invalid`
 */
export function parseCredential(value: unknown): MirrorCredential {
  const result = mirrorCredential.safeParse(value);
  if (!result.success) throw invalid(result.error);
  return result.data;
}

/** A server reaches other machines over HTTP alone: it has neither keys for SSH nor files to show. */
function addressOf(text: string): URL {
  const address = parseRemoteAddress(text);
  if (address.kind !== 'http') {
    throw new CairnError('invalid', 'a server keeps mirrors of http:// and https:// addresses only');
  }
  const { url } = address;
  if (url.username !== '' || url.password !== '') {
    throw new CairnError(
      'invalid',
      'the address contains a user or a password: give the credential separately',
    );
  }
  if (url.search !== '') throw new CairnError('invalid', 'the address of a repository has no query');
  return url;
}

/** The first problem, without the value: it may be a secret. */
function invalid({ issues: [issue] }: z.ZodError): CairnError {
  const where = issue?.path.join('.') ?? '';
  return new CairnError(
    'invalid',
    `the mirror is not valid: ${where === '' ? '' : `${where}: `}${issue?.message ?? 'unknown'}`,
  );
}
