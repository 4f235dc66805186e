import { z } from 'zod';
import type { PeopleOnPage } from '../people/people-on-page.ts';
import { nostrPersonJson, nostrPersonSchema } from '../people/person-json.ts';
import type { OwnerContent } from './read-owner.ts';

export const ownerSchema = z.object({
  person: nostrPersonSchema,
  about: z.string().nullable(),
  website: z.string().nullable(),
  nip05: z.string().nullable().describe('as stated by the person, not verified'),
  repositories: z.array(
    z.object({
      identifier: z.string(),
      name: z.string().nullable(),
      description: z.string().nullable(),
      vcs: z.enum(['git', 'fossil']),
      announcedAt: z.number().int().describe('seconds since 1970'),
    }),
  ),
  moreRepositories: z.boolean(),
  activity: z.array(
    z.object({
      event: z.string(),
      at: z.number().int(),
      did: z.string(),
      repository: z.object({ owner: z.string(), identifier: z.string() }).nullable(),
      thread: z.object({ kind: z.enum(['issue', 'patch', 'pull']), id: z.string() }).nullable(),
      subject: z.string().nullable(),
    }),
  ),
});

/** Characters of a description. */
const DESCRIPTION = 2_000;

export function ownerJson(people: PeopleOnPage, content: OwnerContent): z.infer<typeof ownerSchema> {
  const { key, profile, repositories, moreRepositories, activity } = content;
  return {
    person: nostrPersonJson(people.person(key)),
    about: profile?.about ?? null,
    website: profile?.website ?? null,
    nip05: profile?.nip05 ?? null,
    repositories: repositories.map(({ identifier, name, description, vcs, at }) => ({
      identifier,
      name: name?.slice(0, DESCRIPTION) ?? null,
      description: description?.slice(0, DESCRIPTION) ?? null,
      vcs: vcs ?? 'git',
      announcedAt: at,
    })),
    moreRepositories,
    activity: activity.map(({ id, at, did, repository, thread, subject }) => ({
      event: id,
      at,
      did,
      repository: repository ?? null,
      thread: thread ?? null,
      subject: subject ?? null,
    })),
  };
}
