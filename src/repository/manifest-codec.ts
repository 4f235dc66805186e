/**
 * A manifest as bytes: canonical JSON (RFC 8785), validated on write and again on read. What does not follow the
 * format to the letter is refused, so that two programs that read one manifest see one repository.
 */
import { z } from 'zod';
import { compareBytes, isObjectId, refNameProblem } from '../git/index.ts';
import { canonicalJson, type JsonValue } from '../lib/canonical-json.ts';
import { CairnError } from '../lib/errors.ts';
import type { Manifest } from './manifest.ts';
import { identifierProblem } from './repository-id.ts';

/** Largest manifest, in bytes. */
export const MAX_MANIFEST_BYTES = 32 * 1024 * 1024;

const hex64 = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.int().min(0);

const artifact = z.strictObject({ digest: hex64, size: count, n: z.int().min(1).optional() });

const pack = z.strictObject({
  kind: z.enum(['push', 'fold', 'rest', 'mirror', 'unreachable']),
  objects: z.int().min(1),
  pack: artifact,
  idx: artifact,
  rev: artifact.optional(),
  bitmap: artifact.optional(),
  tips: hex64.optional(),
  own: z.strictObject({ objects: z.int().min(0), end: z.int().min(0) }).optional(),
  disjoint: z.boolean().optional(),
  since: count.optional(),
});

const cause = z.strictObject({
  kind: z.enum(['announce', 'push', 'order', 'fold', 'mirror', 'restore', 'head', 'withdraw']),
  actor: hex64.nullable(),
  evidence: hex64.nullable(),
  refs: z.array(z.string()),
});

/** Everything but `refs` and `peeled`, which are checked by plain loops: they may have 100,000 entries. */
const frame = z.strictObject({
  version: z.literal(1),
  identifier: z.string(),
  objectFormat: z.enum(['sha1', 'sha256']),
  state: z.enum(['held', 'live', 'withdrawn']),
  incarnation: z.string().regex(/^[0-9a-f]{32}$/),
  head: z.string(),
  packs: z.array(pack),
  graph: artifact.optional(),
  policy: z.strictObject({
    announcements: z.array(hex64),
    writers: z.array(hex64),
    protection: z.array(z.strictObject({ pattern: z.string(), rules: z.array(z.string()) })),
    private: z.boolean(),
    readers: z.array(hex64),
  }),
  order: z.strictObject({ id: hex64, author: hex64, at: count, refs: hex64 }).nullable(),
  withdrawal: z.strictObject({ id: hex64, at: count }).optional(),
  causes: z.array(cause),
  receiptAt: count,
  parent: hex64.nullable(),
  depth: count,
});

/**
 * Writes a manifest as canonical JSON.
 * @throws CairnError `too-large` above 32 MiB; `invalid` when it does not follow the format
 */
export function encodeManifest(manifest: Manifest): Buffer {
  const { refs, peeled, ...rest } = manifest;
  const problem = frameProblem(rest) ?? contentProblem(manifest);
  if (problem !== undefined) throw new CairnError('invalid', `the new manifest is not valid: ${problem}`);
  const value = { ...rest, refs: Object.fromEntries(refs), peeled: Object.fromEntries(peeled) };
  const bytes = Buffer.from(canonicalJson(value as unknown as JsonValue));
  if (bytes.length > MAX_MANIFEST_BYTES) {
    throw new CairnError(
      'too-large',
      `the repository has too many refs: its manifest would exceed ${MAX_MANIFEST_BYTES} bytes`,
    );
  }
  return bytes;
}

/**
 * Reads a manifest. The caller has checked the digest of `bytes`.
 * @param name how to name it in an error, for example its key
 * @throws CairnError `corrupt` when it is not a valid manifest of a version known here
 */
export function decodeManifest(bytes: Uint8Array, name: string): Manifest {
  const corrupt = (problem: string) =>
    new CairnError('corrupt', `the manifest ${name} is damaged: ${problem}`);
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
  const { refs, peeled, ...rest } = value as Record<string, unknown>;
  if (typeof rest['version'] === 'number' && rest['version'] !== 1) {
    throw corrupt(`its version ${rest['version']} is not known to this Cairn`);
  }
  const problem = frameProblem(rest);
  if (problem !== undefined) throw corrupt(problem);
  const manifest = { ...rest, refs: refMap(refs), peeled: refMap(peeled) } as unknown as Manifest;
  const wrong = contentProblem(manifest);
  if (wrong !== undefined) throw corrupt(wrong);
  // Among others a key that stands there twice, of which parsers choose one or the other.
  if (canonicalJson(value as JsonValue) !== text) throw corrupt('it is not canonical');
  return manifest;

  function refMap(object: unknown): Map<string, string> {
    if (typeof object !== 'object' || object === null || Array.isArray(object))
      throw corrupt('refs are not an object');
    const entries = Object.entries(object as Record<string, string>);
    return new Map(entries.sort(([a], [b]) => compareBytes(a, b)));
  }
}

function frameProblem(rest: unknown): string | undefined {
  const result = frame.safeParse(rest);
  if (result.success) return undefined;
  const issue = result.error.issues[0];
  return issue === undefined
    ? 'it does not follow the format'
    : `${issue.path.join('.') || 'top level'}: ${issue.message}`;
}

function contentProblem(manifest: Manifest): string | undefined {
  const identifier = identifierProblem(manifest.identifier);
  if (identifier !== undefined) return identifier;
  const head = refNameProblem(manifest.head);
  if (head !== undefined || !manifest.head.startsWith('refs/heads/'))
    return `head ${manifest.head} is not a branch name`;
  for (const [name, oid] of manifest.refs) {
    const problem = refNameProblem(name);
    if (problem !== undefined) return `ref ${name}: ${problem}`;
    if (typeof oid !== 'string' || !isObjectId(oid, manifest.objectFormat))
      return `ref ${name} is not an object id`;
  }
  for (const [name, oid] of manifest.peeled) {
    if (!manifest.refs.has(name)) return `peeled ${name} is not a ref`;
    if (typeof oid !== 'string' || !isObjectId(oid, manifest.objectFormat))
      return `peeled ${name} is not an object id`;
  }
  if ((manifest.parent === null) !== (manifest.depth === 0)) return 'parent and depth contradict each other';
  return undefined;
}
