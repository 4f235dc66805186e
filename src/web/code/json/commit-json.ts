import { z } from 'zod';
import type { FoundCommit } from '../../../browse/objects.ts';
import type { Person } from '../../../git/index.ts';

export const personSchema = z.object({
  name: z.string(),
  email: z.string(),
  time: z.number().int().describe('seconds since 1970'),
  zone: z.number().int().describe('minutes east of UTC'),
});

export const commitSchema = z.object({
  oid: z.string(),
  tree: z.string(),
  parents: z.array(z.string()),
  author: personSchema,
  committer: personSchema,
  message: z.string().describe('in lists of commits, the first 10,000 characters'),
  signature: z.string().nullable().describe('in ASCII armour'),
});

export function personJson({ name, email, time, zone }: Person): z.infer<typeof personSchema> {
  return { name, email, time, zone };
}

export function commitJson({ oid, commit }: FoundCommit): z.infer<typeof commitSchema> {
  return {
    oid,
    tree: commit.tree,
    parents: [...commit.parents],
    author: personJson(commit.author),
    committer: personJson(commit.committer),
    message: commit.message,
    signature: commit.signature ?? null,
  };
}
