/**
 * The common part of the stored forms of all manifests: canonical JSON (RFC 8785), validated on write and again on
 * read. Every deviation from the format is refused, so that two programs that read one manifest see the same
 * repository.
 */
import { z } from 'zod';
import { canonicalJson, type JsonValue } from '../lib/canonical-json.ts';
import { CairnError, publicError } from '../lib/errors.ts';
import type { Manifest } from './manifest.ts';
import { OtherKindError } from './other-kind.ts';
import { identifierProblem } from './repository-id.ts';

/** Largest manifest, in bytes. */
export const MAX_MANIFEST_BYTES = 32 * 1024 * 1024;

export const hex64 = z.string().regex(/^[0-9a-f]{64}$/);
export const hex32 = z.string().regex(/^[0-9a-f]{32}$/);
export const count = z.int().min(0);

export const artifact = z.strictObject({ digest: hex64, size: count, n: z.int().min(1).optional() });

/** Members of every manifest but `version` and `causes`. A lifecycle is stored as `state`. */
export const commonMembers = {
  identifier: z.string(),
  state: z.enum(['held', 'live', 'withdrawn']),
  incarnation: hex32,
  generation: z
    .int()
    .min(1)
    .max(2 ** 32)
    .optional(),
  policy: z.strictObject({
    announcements: z.array(hex64),
    writers: z.array(hex64),
    protection: z.array(z.strictObject({ pattern: z.string(), rules: z.array(z.string()) })),
    private: z.boolean(),
    readers: z.array(hex64),
  }),
  withdrawal: z.strictObject({ id: hex64, at: count }).optional(),
  receiptAt: count,
  parent: hex64.nullable(),
  depth: count,
};

/** Members of a cause of every kind of repository. */
export const causeMembers = {
  kind: z.enum(['announce', 'push', 'order', 'fold', 'mirror', 'restore', 'head', 'withdraw']),
  actor: hex64.nullable(),
  evidence: hex64.nullable(),
};

/**
 * Writes the stored form of a manifest.
 * @param tooLarge what to say of one above {@link MAX_MANIFEST_BYTES}
 * @throws CairnError `too-large`
 */
export function manifestBytes(stored: unknown, tooLarge: string): Buffer {
  const bytes = Buffer.from(canonicalJson(stored as JsonValue));
  if (bytes.length > MAX_MANIFEST_BYTES) throw new CairnError('too-large', tooLarge);
  return bytes;
}

/** The kind of a manifest without the member `kind`: the format is older than other kinds. */
const KIND_WITHOUT_NAME = 'git';

/** A manifest during decoding. */
export interface ManifestText {
  /** The members found. So far it is only known that the text is JSON. */
  readonly members: Readonly<Record<string, unknown>>;
  /** Makes the error for a problem. */
  corrupt(problem: string): CairnError;
  /** To be called last. @throws CairnError `corrupt` when the text is not canonical */
  mustBeCanonical(): void;
}

/**
 * Reads bytes as JSON.
 * @param name how to name the manifest in an error, for example its key
 * @param expected the kind of the repository, and the versions of its manifests that are known here
 * @throws OtherKindError when it is the manifest of another kind
 * @throws CairnError `corrupt` when they are no object in JSON, or of another version
 */
export function readManifest(
  bytes: Uint8Array,
  name: string,
  expected: { readonly kind: string; readonly versions: readonly number[] },
): ManifestText {
  const corrupt = (problem: string) => publicError('corrupt', `the manifest ${name} is damaged: ${problem}`);
  if (bytes.length > MAX_MANIFEST_BYTES) throw corrupt('it is too large');
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    value = JSON.parse(text);
  } catch {
    throw corrupt('it is not JSON in UTF-8');
  }
  if (typeof value !== 'object' || value === null) throw corrupt('it is not an object');
  const members = value as Record<string, unknown>;
  const { version, kind = KIND_WITHOUT_NAME } = members;
  if (typeof kind === 'string' && kind !== expected.kind) throw new OtherKindError(kind, expected.kind);
  if (typeof version === 'number' && !expected.versions.includes(version)) {
    throw corrupt(`its version ${version} is not known to this Cairn`);
  }
  return {
    members,
    corrupt,
    // This also finds duplicate keys, of which parsers keep one or the other.
    mustBeCanonical: () => {
      if (canonicalJson(value as JsonValue) !== text) throw corrupt('it is not canonical');
    },
  };
}

/** How a value violates a schema; undefined when it is valid. */
export function schemaProblem(schema: z.ZodType, value: unknown): string | undefined {
  const result = schema.safeParse(value);
  return result.success ? undefined : firstIssue(result.error);
}

/** The first problem, with its path. */
export function firstIssue({ issues: [issue] }: z.ZodError): string {
  return issue === undefined
    ? 'it does not follow the format'
    : `${issue.path.join('.') || 'top level'}: ${issue.message}`;
}

/** The problem with the members of every manifest that the schema does not find. */
export function commonProblem(
  manifest: Pick<Manifest, 'identifier' | 'parent' | 'depth'>,
): string | undefined {
  const identifier = identifierProblem(manifest.identifier);
  if (identifier !== undefined) return identifier;
  if ((manifest.parent === null) !== (manifest.depth === 0)) return 'parent and depth contradict each other';
  return undefined;
}
