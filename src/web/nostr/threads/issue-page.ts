import { html } from 'hono/html';
import { z } from 'zod';
import { codePage } from '../../code/frame.ts';
import type { NostrPage } from '../nostr-page.ts';
import { threadHead, threadTail } from './thread-html.ts';
import { cutText, threadJson, threadSchema } from './thread-json.ts';
import { readThread, requestedEvent, type ThreadContent } from './thread-parts.ts';

const schema = threadSchema.extend({ content: z.string().describe('Markdown') });

/** An issue. */
export const issuePage: NostrPage<ThreadContent, z.infer<typeof schema>> = {
  word: 'issue',
  description: {
    summary: 'An issue with its comments',
    path: 'issue/{event}',
    query: { skip: 'comments to leave out before the first one' },
  },
  read: (request) => {
    const event = requestedEvent(request, 'issue');
    return readThread(request, event, event.content);
  },
  html: (request, content) =>
    codePage(
      request.code,
      content.thread.start.subject,
      html`${threadHead(request, content)}
${content.texts.body}
${threadTail(request, content)}`,
    ),
  json: {
    schema,
    of: (request, content) => ({
      ...threadJson(request, content),
      content: cutText(content.thread.event.content),
    }),
  },
};
