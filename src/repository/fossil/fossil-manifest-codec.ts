/** The manifest of a Fossil repository as bytes. */
import { z } from 'zod';
import { type ArtifactName, parseArtifactName } from '../../fossil/artifact-name.ts';
import { CairnError } from '../../lib/errors.ts';
import {
  artifact,
  causeMembers,
  commonMembers,
  commonProblem,
  count,
  hex64,
  MAX_MANIFEST_BYTES,
  manifestBytes,
  readManifest,
  schemaProblem,
} from '../manifest-codec.ts';
import type { ManifestFormat } from '../manifest-format.ts';
import type { FossilManifest } from './fossil-manifest.ts';

/** Longest name of a project, in characters. */
export const LONGEST_PROJECT_NAME = 1_000;

const pack = z.strictObject({
  kind: z.enum(['push', 'sync', 'mirror', 'fold']),
  records: count,
  pack: artifact,
  index: z.strictObject({ digest: hex64, offset: count, size: z.int().min(1) }),
});

const frame = z.strictObject({
  ...commonMembers,
  version: z.literal(1),
  kind: z.literal('fossil'),
  projectCode: z.string().regex(/^[0-9a-f]{40}$/),
  projectName: z.string().max(LONGEST_PROJECT_NAME),
  hashPolicy: z.enum(['sha1', 'auto', 'sha3', 'sha3-only', 'shun-sha1']),
  artifacts: count,
  packs: z.array(pack),
  shunned: z.array(z.string()),
  passwordSeries: count,
  keySeries: z.record(hex64, z.int().min(1)).optional(),
  causes: z.array(
    z.strictObject({
      ...causeMembers,
      kind: z.enum([
        'announce',
        'push',
        'sync',
        'fold',
        'mirror',
        'restore',
        'withdraw',
        'shun',
        'configure',
      ]),
      artifacts: count,
      unversioned: count,
    }),
  ),
});

/**
 * Writes a manifest as canonical JSON.
 * @throws CairnError `too-large` above 32 MiB; `invalid` when it does not follow the format
 */
export function encodeFossilManifest(manifest: FossilManifest): Buffer {
  const { lifecycle, ...rest } = manifest;
  const stored = { ...rest, kind: 'fossil', state: lifecycle };
  const problem = schemaProblem(frame, stored) ?? contentProblem(manifest);
  if (problem !== undefined) throw new CairnError('invalid', `the new manifest is not valid: ${problem}`);
  return manifestBytes(
    stored,
    `the repository has too many packs or shunned artifacts: its manifest would exceed ${MAX_MANIFEST_BYTES} bytes`,
  );
}

/**
 * Reads a manifest. The caller has checked the digest of `bytes`.
 * @param name how to name it in an error, for example its key
 * @throws OtherKindError when it is a manifest of another kind
 * @throws CairnError `corrupt` when it is not a valid manifest of a version known here
 */
export function decodeFossilManifest(bytes: Uint8Array, name: string): FossilManifest {
  const { members, corrupt, mustBeCanonical } = readManifest(bytes, name, { kind: 'fossil', versions: [1] });
  const problem = schemaProblem(frame, members);
  if (problem !== undefined) throw corrupt(problem);
  const { kind: _kind, state: lifecycle, ...rest } = members as z.infer<typeof frame>;
  const manifest = { ...rest, lifecycle } as unknown as FossilManifest;
  const wrong = contentProblem(manifest);
  if (wrong !== undefined) throw corrupt(wrong);
  mustBeCanonical();
  return manifest;
}

export const fossilManifestFormat: ManifestFormat<FossilManifest> = {
  encode: async (manifest) => ({ manifest, bytes: encodeFossilManifest(manifest) }),
  decode: (_id, bytes, name) => decodeFossilManifest(bytes, name),
};

function contentProblem(manifest: FossilManifest): string | undefined {
  const common = commonProblem(manifest);
  if (common !== undefined) return common;
  for (const { pack: whole, index } of manifest.packs) {
    if (index.offset + index.size !== whole.size) return `the index of pack ${whole.digest} is not its end`;
  }
  let before: ArtifactName | undefined;
  for (const text of manifest.shunned) {
    const name = parseArtifactName(text);
    if (name === undefined) return `${text} among the shunned is not the name of an artifact`;
    if (before !== undefined && before >= name) return 'the shunned artifacts are not in order';
    before = name;
  }
  return undefined;
}
