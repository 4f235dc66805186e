import { html } from 'hono/html';
import { z } from 'zod';
import type { CheckInFacts } from '../../../browse/fossil/fossil-memory.ts';
import { LONGEST_TIMELINE, readTimeline } from '../../../browse/fossil/timeline.ts';
import { CairnError } from '../../../lib/errors.ts';
import { readNumber } from '../../code/read-query.ts';
import type { Html } from '../../layout.ts';
import { userText } from '../../user-text.ts';
import { checkInJson, checkInSchema } from '../check-in-json.ts';
import { dateText, type FossilContext, fossilFrame } from '../fossil-frame.ts';
import type { FossilPage } from '../fossil-page.ts';

/** Check-ins on a page. */
const SHOWN = 50;
const COMMENT = 300;
const USER = 100;

interface Content {
  readonly checkIns: readonly CheckInFacts[];
  readonly more: boolean;
}

const schema = z.object({
  skip: z.number().int(),
  more: z.boolean().describe('whether there are older ones'),
  checkIns: z.array(checkInSchema),
});

/** The check-ins, newest first. */
export const timelinePage: FossilPage<number, Content, z.infer<typeof schema>> = {
  word: 'timeline',
  description: {
    summary: `The check-ins, newest first, ${SHOWN} on a page`,
    path: 'timeline',
    query: { skip: 'check-ins to leave out before the first one' },
  },
  ask: (segments, query) => {
    const skip = readNumber(query, 'skip');
    if (segments.length > 0 || skip > LONGEST_TIMELINE) {
      throw new CairnError('not-found', `the timeline has ${LONGEST_TIMELINE} check-ins at most`);
    }
    return skip;
  },
  read: (view, skip) => readTimeline(view, skip, SHOWN),
  html: (context, skip, { checkIns, more }) => {
    const here = context.links.at('timeline');
    const url = (to: number) => (to <= 0 ? here : `${here}?skip=${to}`);
    return fossilFrame(
      context,
      'Timeline',
      html`<h1 class="subject">Timeline</h1>
${checkIns.length === 0 ? html`<p>No check-ins${skip === 0 ? ' yet' : ''}.</p>` : html`<ol class="listed">${checkIns.map((facts) => item(context, facts))}</ol>`}
<nav class="pages" aria-label="Pages">${skip === 0 ? '' : html`<a rel="prev" href="${url(skip - SHOWN)}">Newer</a>`} ${more ? html`<a rel="next" href="${url(skip + SHOWN)}">Older</a>` : ''}</nav>
<p class="quiet">Check-ins only, with the names that they have given to themselves. Tags and changes that were added later are not shown here: <code>fossil ui</code> shows
them in a clone.</p>`,
    );
  },
  json: {
    schema,
    of: (skip, { checkIns, more }) => ({ skip, more, checkIns: checkIns.map(checkInJson) }),
  },
};

function item({ links }: FossilContext, facts: CheckInFacts): Html {
  const { name, comment, user, time, parents, branch, tags } = facts;
  const names = [
    ...(branch === undefined ? [] : [html` · begins <b>${userText(branch, USER)}</b>`]),
    ...tags.filter((tag) => tag !== branch).map((tag) => html` · tag <b>${userText(tag, USER)}</b>`),
  ];
  return html`<li><a class="subject" href="${links.at('checkin', name)}">${comment.trim() === '' ? html`<em>no comment</em>` : userText(comment, COMMENT)}</a>
<p class="quiet">${userText(user, USER)} · ${dateText(time)} · <code>${name.slice(0, 10)}</code>${parents.length > 1 ? ` · merge of ${parents.length}` : ''}${names}</p></li>
`;
}
