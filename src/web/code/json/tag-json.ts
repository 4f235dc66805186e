import { z } from 'zod';
import type { FoundTag } from '../../../browse/refs/tags.ts';
import { shortName } from '../../../browse/revision.ts';
import { commitJson, commitSchema, personJson, personSchema } from './commit-json.ts';

export const tagSchema = z.object({
  ref: z.string(),
  name: z.string(),
  oid: z.string().describe('what the ref points at'),
  annotations: z
    .array(
      z.object({
        oid: z.string(),
        tagger: personSchema.nullable(),
        message: z.string(),
        signature: z.string().nullable().describe('in ASCII armour, not checked'),
      }),
    )
    .describe('the tag objects, outermost first; empty for a lightweight tag'),
  target: z
    .object({ oid: z.string(), type: z.enum(['commit', 'tree', 'blob']) })
    .nullable()
    .describe('the object that it names; null if it cannot be read'),
  commit: commitSchema.nullable(),
});

export function tagJson({ ref, oid, peeled, commit }: FoundTag): z.infer<typeof tagSchema> {
  return {
    ref,
    name: shortName(ref),
    oid,
    annotations: (peeled?.tags ?? []).map(({ oid, tag }) => ({
      oid,
      tagger: tag.tagger === undefined ? null : personJson(tag.tagger),
      message: tag.message,
      signature: tag.signature ?? null,
    })),
    target: peeled === undefined ? null : { oid: peeled.oid, type: peeled.type },
    commit: commit === undefined ? null : commitJson(commit),
  };
}
