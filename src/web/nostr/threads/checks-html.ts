import { html } from 'hono/html';
import { z } from 'zod';
import type { Check } from '../../../relay/discussions/check-runs.ts';
import type { Html } from '../../layout.ts';
import { timeOf } from '../../time.ts';
import { userText } from '../../user-text.ts';
import type { NostrRequest } from '../nostr-page.ts';
import { personHtml } from '../people/person-html.ts';
import { nostrPersonJson, nostrPersonSchema } from '../people/person-json.ts';

/** Words and shapes for outcomes. */
const OUTCOMES: Readonly<Record<string, readonly [string, string]>> = {
  success: ['✓', 'passed'],
  failure: ['✗', 'failed'],
  neutral: ['–', 'neutral'],
  cancelled: ['–', 'cancelled'],
  skipped: ['–', 'skipped'],
  timed_out: ['✗', 'took too long'],
  startup_failure: ['✗', 'did not start'],
  queued: ['…', 'waits'],
  in_progress: ['…', 'runs'],
};

/** Results of checks. Anybody can publish one, so it says who signed it, and whether a maintainer asked for it. */
export function checksHtml(
  request: Pick<NostrRequest, 'code' | 'people'>,
  checks: readonly Check[],
): Html | '' {
  if (checks.length === 0) return '';
  const items = (some: readonly Check[]) => html`<ul class="listed">
${some.map((check) => checkHtml(request, check))}</ul>`;
  const [asked, others] = [checks.filter((check) => check.asked), checks.filter((check) => !check.asked)];
  return html`<section><h2>Checks</h2>
${asked.length === 0 ? html`<p class="quiet">No maintainer has asked for any of these.</p>` : items(asked)}
${
  others.length === 0
    ? ''
    : html`<details><summary>${others.length} by others, whom no maintainer has asked</summary>
${items(others)}</details>`
}</section>`;
}

function checkHtml({ code, people }: Pick<NostrRequest, 'code' | 'people'>, { run, jobs }: Check): Html {
  return html`<li>${outcome(run.conclusion ?? run.status)} <code>${userText(run.workflow, 200)}</code> on <a href="${code.links.commit(run.commit)}"><code>${run.commit.slice(0, 10)}</code></a>
<p class="quiet">${timeOf(run.at)}, signed by ${personHtml(code.base, people.person(run.author))}</p>
${
  jobs.length === 0
    ? ''
    : html`<ul>${jobs.map(
        (
          job,
        ) => html`<li>${outcome(job.conclusion)} ${userText(job.job, 200)}${job.logs === undefined ? '' : html` <a href="${job.logs}" rel="nofollow ugc noopener noreferrer">log</a>`}</li>
`,
      )}</ul>`
}</li>
`;
}

function outcome(name: string): Html {
  const [shape, word] = OUTCOMES[name] ?? ['?', name];
  return html`<span class="outcome ${name}"><span aria-hidden="true">${shape}</span> ${word}</span>`;
}

export const checkSchema = z.object({
  id: z.string(),
  commit: z.string(),
  workflow: z.string(),
  status: z.enum(['queued', 'in_progress', 'concluded']),
  conclusion: z.string().nullable(),
  signer: nostrPersonSchema,
  asked: z.boolean().describe('whether a maintainer signed it, or had asked the signer for it'),
  createdAt: z.number().int(),
  jobs: z.array(
    z.object({ id: z.string(), job: z.string(), conclusion: z.string(), logs: z.string().nullable() }),
  ),
});

export function checkJson(
  { people }: Pick<NostrRequest, 'people'>,
  check: Check,
): z.infer<typeof checkSchema> {
  const { run, jobs, asked } = check;
  return {
    id: run.id,
    commit: run.commit,
    workflow: run.workflow,
    status: run.status,
    conclusion: run.conclusion ?? null,
    signer: nostrPersonJson(people.person(run.author)),
    asked,
    createdAt: run.at,
    jobs: jobs.map(({ id, job, conclusion, logs }) => ({ id, job, conclusion, logs: logs ?? null })),
  };
}
