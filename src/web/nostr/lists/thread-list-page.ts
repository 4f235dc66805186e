import { html } from 'hono/html';
import { z } from 'zod';
import { CairnError } from '../../../lib/errors.ts';
import { THREAD_STATUSES, type ThreadStatus } from '../../../nostr/collaboration/status.ts';
import type { ThreadPage } from '../../../relay/discussions/thread-lists.ts';
import { MOST_COUNTED, type ThreadHead } from '../../../relay/discussions/thread-reader.ts';
import { codePage } from '../../code/frame.ts';
import { readChoice, readNumber } from '../../code/read-query.ts';
import { commands, type Html } from '../../layout.ts';
import { timeOf } from '../../time.ts';
import { userText } from '../../user-text.ts';
import type { NostrPage, NostrRequest } from '../nostr-page.ts';
import { personHtml } from '../people/person-html.ts';
import { nostrPersonJson, nostrPersonSchema } from '../people/person-json.ts';
import { labelsHtml, statusHtml } from './thread-marks.ts';
import { THREAD_WORDS, type ThreadWords } from './thread-words.ts';

interface ThreadListContent {
  /** Undefined: all. */
  readonly status: ThreadStatus | undefined;
  readonly skip: number;
  readonly page: ThreadPage;
  readonly heads: readonly ThreadHead[];
}

/** Threads on a page. */
const SHOWN = 50;

const countsSchema = z.object({
  open: z.number().int(),
  applied: z.number().int().describe('applied patches, merged pull requests, resolved issues'),
  closed: z.number().int(),
  draft: z.number().int(),
});

export const threadHeadSchema = z.object({
  id: z.string(),
  subject: z.string(),
  author: nostrPersonSchema,
  createdAt: z.number().int().describe('seconds since 1970'),
  status: z.enum(['open', 'applied', 'closed', 'draft']),
  labels: z.array(z.string()),
  comments: z.number().int().describe('counted up to 500'),
});

const schema = z.object({
  counts: countsSchema,
  cut: z.boolean().describe('whether there are more than are listed'),
  skip: z.number().int(),
  threads: z.array(threadHeadSchema),
});

type ThreadListJson = z.infer<typeof schema>;

/** What the parameter `status` may be. */
const STATUS_CHOICES = [...THREAD_STATUSES, 'all'] as const;

function threadListPage(words: ThreadWords): NostrPage<ThreadListContent, ThreadListJson> {
  return {
    word: words.list,
    description: {
      summary: `${words.title} of the repository, newest first`,
      path: words.list,
      query: {
        status: '`open` (the default), `applied`, `closed`, `draft` or `all`',
        skip: 'how many to leave out before the first one',
      },
    },
    read: async ({ sources, found, reader, segments, query }) => {
      if (segments.length > 0) throw new CairnError('not-found', 'there is no such page');
      const asked = readChoice(query, 'status', STATUS_CHOICES);
      const status = asked === 'all' ? undefined : asked;
      const skip = readNumber(query, 'skip');
      const { lists, threads } = sources.discussions;
      const page = await lists.page(found.id, words.kind, { status, skip, count: SHOWN });
      const ids = page.threads.map(({ id }) => id);
      return { status, skip, page, heads: await threads.heads(found.id, ids, reader) };
    },
    html: (request, content) => threadListHtml(request, words, content),
    json: {
      schema,
      of: ({ people }, { skip, page, heads }) => ({
        counts: { ...page.counts },
        cut: page.cut,
        skip,
        threads: heads.map((head) => ({
          id: head.id,
          subject: head.subject,
          author: nostrPersonJson(people.person(head.author)),
          createdAt: head.at,
          status: statusOf(page, head),
          labels: [...head.labels],
          comments: head.comments,
        })),
      }),
    },
  };
}

export const issuesPage = threadListPage(THREAD_WORDS.issue);
export const patchesPage = threadListPage(THREAD_WORDS.patch);
export const pullsPage = threadListPage(THREAD_WORDS.pull);

function statusOf({ threads }: ThreadPage, { id }: ThreadHead): ThreadStatus {
  return threads.find((thread) => thread.id === id)?.status ?? 'open';
}

function threadListHtml(request: NostrRequest, words: ThreadWords, content: ThreadListContent): Html {
  const { page, heads, status, skip } = content;
  const { links } = request.code;
  const here = `${links.repository}/${words.list}`;
  const all = THREAD_STATUSES.reduce((sum, one) => sum + page.counts[one], 0);
  const matching = status === undefined ? all : page.counts[status];
  const tab = (name: string, value: ThreadStatus | 'all', count: number) => {
    const isCurrent = value === (status ?? 'all');
    return html`<li><a href="${here}?status=${value}"${isCurrent ? html` aria-current="page"` : ''}>${name} <span class="count">${count.toLocaleString('en')}</span></a></li>
`;
  };
  const items = heads.map(
    (head) => html`<li>
${statusHtml(words, statusOf(page, head))} <a class="subject" href="${links.repository}/${words.one}/${head.id}">${userText(head.subject, 200)}</a> ${labelsHtml(head.labels)}
<p class="quiet">${timeOf(head.at)} by ${personHtml(request.code.base, request.people.person(head.author))}${comments(head.comments)}</p>
</li>
`,
  );
  const query = (from: number) => `${here}?status=${status ?? 'all'}&skip=${from}`;
  return codePage(
    request.code,
    words.title,
    html`<h1 class="subject">${words.title}</h1>
<nav aria-label="Status"><ul class="statuses">
${THREAD_STATUSES.map((one) => tab(words.statuses[one], one, page.counts[one]))}${tab('all', 'all', all)}</ul></nav>
${
  heads.length === 0
    ? html`<p>${all === 0 ? `No ${words.name} has arrived here yet.` : 'None here.'}</p>`
    : html`<ul class="listed threads">
${items}</ul>`
}
<nav class="pages" aria-label="Pages">
${skip > 0 ? html`<a rel="prev" href="${query(Math.max(0, skip - SHOWN))}">Newer</a>` : ''}
${matching > skip + SHOWN ? html`<a rel="next" href="${query(skip + SHOWN)}">Older</a>` : ''}
</nav>
${page.cut ? html`<p class="quiet">There are more; only the newest are listed.</p>` : ''}
${howToWrite(words)}`,
  );
}

function comments(count: number): Html | '' {
  if (count === 0) return '';
  const text = count === MOST_COUNTED ? `${count} or more` : String(count);
  return html` · ${text} ${count === 1 ? 'comment' : 'comments'}`;
}

/** Pages only show. What to write is signed by Nostr clients. */
function howToWrite(words: ThreadWords): Html {
  const how: Readonly<Record<ThreadWords['kind'], Html>> = {
    issue: html`<p class="quiet">To write one, use a Nostr git client; this page shows what has arrived at this relay.</p>`,
    patch: html`<p class="quiet">With ngit, in a clone:</p>
${commands('ngit send')}`,
    pull: html`<p class="quiet">With ngit, in a clone from a <code>nostr://</code> URL, on a branch whose name begins with <code>pr/</code>:</p>
${commands('git push -u origin HEAD')}`,
  };
  return html`<details class="how"><summary>How to send ${words.kind === 'issue' ? 'an issue' : `a ${words.name}`}</summary>
${how[words.kind]}</details>`;
}
