/** What pages of issues, patches and pull requests have in common: JSON. */
import { z } from 'zod';
import type { NostrRequest } from '../nostr-page.ts';
import { nostrPersonJson, nostrPersonSchema } from '../people/person-json.ts';
import { TEXT_LENGTH } from '../text/rendered-texts.ts';
import { checkJson, checkSchema } from './checks-html.ts';
import type { ThreadContent } from './thread-parts.ts';

const statusSchema = z.enum(['open', 'applied', 'closed', 'draft']);

export const threadSchema = z.object({
  id: z.string(),
  subject: z.string(),
  formerSubject: z.string().nullable(),
  author: nostrPersonSchema,
  createdAt: z.number().int().describe('seconds since 1970'),
  status: statusSchema,
  labels: z.array(z.string()),
  coverNote: z
    .object({ author: nostrPersonSchema, createdAt: z.number().int(), content: z.string() })
    .nullable(),
  statuses: z.array(
    z.object({
      id: z.string(),
      status: statusSchema,
      author: nostrPersonSchema,
      createdAt: z.number().int(),
      commits: z.array(z.string()),
      content: z.string(),
    }),
  ),
  commentCount: z.number().int(),
  skip: z.number().int(),
  comments: z.array(
    z.object({
      id: z.string(),
      parent: z.string(),
      author: nostrPersonSchema,
      createdAt: z.number().int(),
      content: z.string().describe('Markdown'),
      place: z.object({ path: z.string(), lines: z.string().nullable() }).nullable(),
    }),
  ),
  checks: z.array(checkSchema),
});

export function threadJson(request: NostrRequest, content: ThreadContent): z.infer<typeof threadSchema> {
  const { thread, skip, checks } = content;
  const { start, coverNote } = thread;
  const who = (key: string) => nostrPersonJson(request.people.person(key));
  return {
    id: start.id,
    subject: start.subject,
    formerSubject: thread.formerSubject ?? null,
    author: who(start.author),
    createdAt: start.at,
    status: thread.status,
    labels: [...start.labels],
    coverNote:
      coverNote === undefined
        ? null
        : { author: who(coverNote.author), createdAt: coverNote.at, content: cutText(coverNote.content) },
    statuses: thread.statuses.map(({ id, status, author, at, commits, content: text }) => ({
      id,
      status,
      author: who(author),
      createdAt: at,
      commits: [...commits],
      content: cutText(text),
    })),
    commentCount: thread.commentCount,
    skip,
    comments: thread.comments.map(({ id, parent, author, at, content: text, place }) => ({
      id,
      parent,
      author: who(author),
      createdAt: at,
      content: cutText(text),
      place: place === undefined ? null : { path: place.path, lines: place.lines ?? null },
    })),
    checks: checks.map((check) => checkJson(request, check)),
  };
}

/** As much of a text as pages show. */
export function cutText(text: string): string {
  return text.slice(0, TEXT_LENGTH).toWellFormed();
}
