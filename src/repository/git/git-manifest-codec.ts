/** The manifest of a git repository as bytes. Version 2 is for very many refs, which are in ref segments of their own. */

import { z } from 'zod';
import {
  isObjectId,
  type KeyedChange,
  LazySegment,
  maxSegmentBytes,
  RefTable,
  refNameProblem,
  type SegmentSummary,
  tableOf,
} from '../../git/index.ts';
import { compareBytes } from '../../lib/byte-order.ts';
import { CairnError } from '../../lib/errors.ts';
import {
  artifact,
  causeMembers,
  commonMembers,
  commonProblem,
  count,
  firstIssue,
  hex32,
  hex64,
  MAX_MANIFEST_BYTES,
  manifestBytes,
  readManifest,
  schemaProblem,
} from '../manifest-codec.ts';
import { type GitManifest, MIRROR_NAME } from './git-manifest.ts';

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
  linked: z.boolean().optional(),
  since: count.optional(),
});

const cause = z.strictObject({ ...causeMembers, refs: z.array(z.string()) });

/** `refs` of version 2: the ref segments, and the changes since they were written. */
const tableFrame = z.strictObject({
  count,
  overlay: z.strictObject({
    deleted: z.array(z.string()),
    peeled: z.record(z.string(), z.string()),
    set: z.record(z.string(), z.string()),
  }),
  segments: z.array(
    z.strictObject({
      count: z.int().min(1),
      digest: hex64,
      first: z.string(),
      last: z.string(),
      n: z.int().min(1).optional(),
      size: z.int().min(1).max(maxSegmentBytes),
    }),
  ),
});

/** Everything but `refs` and `peeled`, which are checked by plain loops: they may have 100,000 entries. `order` is the
 * stored name of `appliedState`. */
const frame = z.strictObject({
  ...commonMembers,
  version: z.literal([1, 2]),
  objectFormat: z.enum(['sha1', 'sha256']),
  epoch: hex32.optional(),
  head: z.string(),
  packs: z.array(pack),
  graph: artifact.optional(),
  order: z.strictObject({ id: hex64, author: hex64, at: count, refs: hex64 }).nullable(),
  strangers: z
    .strictObject({
      refs: z.record(hex64, z.strictObject({ by: hex64.optional(), bytes: count, objects: count })),
      gone: z.strictObject({ at: count, bytes: count, objects: count }).optional(),
    })
    .optional(),
  mirrors: z
    .array(
      z.strictObject({
        id: z.string().regex(/^[0-9a-f]{16}$/),
        name: z.string().regex(MIRROR_NAME),
        refs: z.enum(['follow', 'namespace']),
      }),
    )
    .min(1)
    .optional(),
  causes: z.array(cause),
});

/**
 * Writes a manifest as canonical JSON.
 * @throws CairnError `too-large` above 32 MiB; `invalid` when it does not follow the format
 */
export function encodeManifest(manifest: GitManifest): Buffer {
  const { refs, peeled, lifecycle, appliedState, ...others } = manifest;
  const rest = { ...others, state: lifecycle, order: appliedState };
  const table = manifest.version === 2 ? tableOf(refs) : undefined;
  const problem =
    schemaProblem(frame, rest) ??
    contentProblem(manifest) ??
    (table === undefined ? plainProblem(manifest) : undefined);
  if (problem !== undefined) throw new CairnError('invalid', `the new manifest is not valid: ${problem}`);
  const value =
    table === undefined
      ? { ...rest, refs: Object.fromEntries(refs), peeled: Object.fromEntries(peeled) }
      : { ...rest, refs: describeTable(table) };
  return manifestBytes(
    value,
    `the repository has too many refs: its manifest would exceed ${MAX_MANIFEST_BYTES} bytes`,
  );
}

/** The refs of a manifest of version 2, as stored. */
export interface StoredRefs {
  readonly format: GitManifest['objectFormat'];
  readonly segments: readonly SegmentSummary[];
  /** In byte order. */
  readonly overlay: readonly KeyedChange[];
  readonly size: number;
}

/**
 * Reads a manifest. The caller has checked the digest of `bytes`.
 * @param name how to name it in an error, for example its key
 * @param openTable makes the table of refs of a manifest of version 2, whose segments are not read here; without it
 *   they cannot be loaded
 * @throws CairnError `corrupt` when it is not a valid manifest of a version known here
 */
export function decodeManifest(
  bytes: Uint8Array,
  name: string,
  openTable: (stored: StoredRefs) => RefTable = unloaded,
): GitManifest {
  const { members, corrupt, mustBeCanonical } = readManifest(bytes, name, { kind: 'git', versions: [1, 2] });
  const { refs, peeled, ...rest } = members;
  const problem = schemaProblem(frame, rest);
  if (problem !== undefined) throw corrupt(problem);
  const { state: lifecycle, order: appliedState, ...others } = rest;
  const maps = rest['version'] === 2 ? tableMaps() : plainMaps();
  const manifest = { ...others, lifecycle, appliedState, ...maps } as unknown as GitManifest;
  const wrong = contentProblem(manifest) ?? (manifest.version === 1 ? plainProblem(manifest) : undefined);
  if (wrong !== undefined) throw corrupt(wrong);
  mustBeCanonical();
  return manifest;

  function plainMaps() {
    return { refs: refMap(refs), peeled: refMap(peeled) };
  }

  function tableMaps() {
    if (peeled !== undefined) throw corrupt('peeled: a manifest of version 2 has no such member');
    const result = tableFrame.safeParse(refs);
    if (!result.success) throw corrupt(`refs.${firstIssue(result.error)}`);
    const stored = storedRefs(result.data, rest['objectFormat'] as GitManifest['objectFormat']);
    if (typeof stored === 'string') throw corrupt(stored);
    const table = openTable(stored);
    return { refs: table.refs, peeled: table.peeled };
  }

  function refMap(object: unknown): Map<string, string> {
    if (typeof object !== 'object' || object === null || Array.isArray(object))
      throw corrupt('refs are not an object');
    const entries = Object.entries(object as Record<string, string>);
    return new Map(entries.sort(([a], [b]) => compareBytes(a, b)));
  }
}

/** A table of which only the changes can be read. */
function unloaded({ format, segments, overlay, size }: StoredRefs): RefTable {
  return new RefTable(format, {
    segments: segments.map((summary) => new LazySegment(summary)),
    overlay,
    size,
  });
}

function describeTable({ segments, overlay, size }: RefTable) {
  const set = overlay.flatMap(({ name, oid }) => (oid === undefined ? [] : [[name, oid] as const]));
  const peeled = overlay.flatMap((change) =>
    change.peeled === undefined ? [] : [[change.name, change.peeled] as const],
  );
  return {
    count: size,
    overlay: {
      deleted: overlay.flatMap(({ name, oid }) => (oid === undefined ? name : [])),
      peeled: Object.fromEntries(peeled),
      set: Object.fromEntries(set),
    },
    segments: segments.map(({ summary }) => summary),
  };
}

/** Checks the ref segments of a manifest and the changes over them. @returns the problem, if there is one */
function storedRefs(
  { count: size, overlay, segments }: z.infer<typeof tableFrame>,
  format: GitManifest['objectFormat'],
): StoredRefs | string {
  let before: string | undefined;
  for (const { first, last } of segments) {
    const problem = refNameProblem(first) ?? refNameProblem(last);
    if (problem !== undefined) return `refs from ${first} to ${last}: ${problem}`;
    if ((before !== undefined && compareBytes(before, first) >= 0) || compareBytes(first, last) > 0) {
      return `refs from ${first} to ${last} are not in order`;
    }
    before = last;
  }
  const changes = new Map<string, KeyedChange>();
  for (const [name, oid] of Object.entries(overlay.set)) {
    const peeled = Object.hasOwn(overlay.peeled, name) ? overlay.peeled[name] : undefined;
    if (!isObjectId(oid, format)) return `ref ${name} is not an object id`;
    if (peeled !== undefined && !isObjectId(peeled, format)) return `peeled ${name} is not an object id`;
    changes.set(name, { name, key: Buffer.from(name), oid, peeled });
  }
  for (const name of Object.keys(overlay.peeled))
    if (!changes.has(name)) return `peeled ${name} is not a ref`;
  for (const name of overlay.deleted) {
    if (changes.has(name)) return `ref ${name} is both deleted and set`;
    changes.set(name, { name, key: Buffer.from(name), oid: undefined });
  }
  for (const name of changes.keys()) {
    const problem = refNameProblem(name);
    if (problem !== undefined) return `ref ${name}: ${problem}`;
  }
  return {
    format,
    segments: segments as SegmentSummary[],
    overlay: [...changes.values()].sort((a, b) => a.key.compare(b.key)),
    size,
  };
}

function contentProblem(manifest: GitManifest): string | undefined {
  const common = commonProblem(manifest);
  if (common !== undefined) return common;
  const head = refNameProblem(manifest.head);
  if (head !== undefined || !manifest.head.startsWith('refs/heads/'))
    return `head ${manifest.head} is not a branch name`;
  return undefined;
}

/** The problem with refs in the manifest itself, if there is one. */
function plainProblem(manifest: GitManifest): string | undefined {
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
  return undefined;
}
