import { html } from 'hono/html';
import { z } from 'zod';
import { isDigest } from '../../../lib/digest.ts';
import { CairnError } from '../../../lib/errors.ts';
import type { HistoryPart, HistoryStep, RefChange, StepCause } from '../../../relay/states/ref-history.ts';
import { codePage } from '../../code/frame.ts';
import type { Html } from '../../layout.ts';
import { timeOf } from '../../time.ts';
import { userText } from '../../user-text.ts';
import type { NostrPage, NostrRequest } from '../nostr-page.ts';
import { nostrPersonJson, nostrPersonSchema } from '../people/person-json.ts';
import { person } from '../threads/thread-html.ts';

interface ReceiptsContent {
  /** Whole name; undefined: all refs. */
  readonly ref: string | undefined;
  readonly part: HistoryPart;
}

/** Publishes on a page. */
const SHOWN = 30;
const REF_LENGTH = 1_024;

const schema = z.object({
  ref: z.string().nullable(),
  steps: z.array(
    z.object({
      publish: z.string().describe('digest of the manifest: the name of this publish'),
      depth: z.number().int().describe('number of earlier publishes'),
      at: z.number().int().describe('seconds since 1970'),
      causes: z.array(
        z.object({
          kind: z.string(),
          actor: nostrPersonSchema.nullable(),
          evidence: z.string().nullable().describe('id of the event that authorized it'),
        }),
      ),
      changes: z.array(
        z.object({ ref: z.string(), before: z.string().nullable(), after: z.string().nullable() }),
      ),
      changeCount: z.number().int(),
      head: z.string().nullable().describe('the new default branch; null if it did not change'),
      receipt: z.string().nullable().describe('path of the receipt, an event that the service has signed'),
    }),
  ),
  next: z.string().nullable().describe('the publish to continue with, as `begin`'),
  cut: z.boolean().describe('whether older publishes are missing or not shown'),
});

/** Who moved the refs, when, and with what evidence. */
export const receiptsPage: NostrPage<ReceiptsContent, z.infer<typeof schema>> = {
  word: 'receipts',
  description: {
    summary: 'The changes of all refs, or of one: actor, date and evidence; newest first',
    path: 'receipts/{ref}',
    query: { begin: 'the publish to begin with' },
  },
  read: async ({ sources, found, segments, query }) => {
    const ref = refOf(segments, found.published.manifest.refs);
    const from = query.get('begin') ?? undefined;
    if (from !== undefined && !isDigest(from))
      throw new CairnError('invalid', 'begin is the digest of a publish');
    const question = { ref, from, count: SHOWN };
    return { ref, part: await sources.history.part(found.repository, found.published, question) };
  },
  html: receiptsHtml,
  json: {
    schema,
    of: (request, { ref, part: { steps, next, cut } }) => ({
      ref: ref ?? null,
      steps: steps.map((step) => stepJson(request, step)),
      next: next ?? null,
      cut,
    }),
  },
};

/** A ref that is here, by its short name, or else any by its whole name: it may have been deleted. */
function refOf(segments: readonly string[], refs: ReadonlyMap<string, string>): string | undefined {
  if (segments.length === 0) return undefined;
  const name = segments.join('/');
  if (name.length > REF_LENGTH) throw new CairnError('not-found', 'there is no such ref');
  const found = ['', 'refs/heads/', 'refs/tags/', 'refs/']
    .map((prefix) => `${prefix}${name}`)
    .find((one) => refs.has(one));
  return found ?? (name.startsWith('refs/') ? name : `refs/heads/${name}`);
}

function receiptsHtml(request: NostrRequest, { ref, part }: ReceiptsContent): Html {
  const { links } = request.code;
  const here = ref === undefined ? `${links.repository}/receipts` : links.at('receipts', ref);
  const title = ref === undefined ? 'Receipts' : html`Receipts of <code>${userText(ref, 255)}</code>`;
  return codePage(
    request.code,
    ref === undefined ? 'Receipts' : `Receipts of ${ref}`,
    html`<h1 class="subject">${title}</h1>
<p class="quiet">Who moved branches and tags, newest first. A receipt is an event that the service signs after each change.${
      ref === undefined ? '' : html` <a href="${links.repository}/receipts">All refs</a>`
    }</p>
${part.steps.length === 0 ? html`<p>${part.next === undefined ? 'Nothing has moved it.' : 'Nothing has moved it lately.'}</p>` : ''}
<ol class="listed steps">
${part.steps.map((step) => stepHtml(request, step, ref))}</ol>
<nav class="pages" aria-label="Pages">${part.next === undefined ? '' : html`<a rel="next" href="${here}?begin=${part.next}">Older</a>`}</nav>
${part.cut ? html`<p class="quiet">What came before is not kept, or not for everybody.</p>` : ''}`,
  );
}

const CAUSES: Readonly<Record<StepCause['kind'], string>> = {
  announce: 'announced',
  push: 'push',
  order: 'signed state',
  fold: 'upkeep',
  mirror: 'mirror',
  restore: 'restored by the operator',
  head: 'default branch set',
  withdraw: 'withdrawn',
  sync: 'synchronised',
  shun: 'shunned',
  configure: 'configured',
};

function stepHtml(request: NostrRequest, step: HistoryStep, ref: string | undefined): Html {
  const { links } = request.code;
  const shown = ref === undefined ? step.changes : step.changes.filter((change) => change.ref === ref);
  const more = step.changeCount - step.changes.length;
  return html`<li>
<p>${timeOf(step.at)} ${step.causes.map((cause) => causeHtml(request, step, cause))}</p>
${shown.length === 0 && ref !== undefined ? html`<p class="quiet">It is among many refs that changed at once.</p>` : html`<ul class="changed">${shown.map((change) => changeHtml(request, change))}</ul>`}
${more > 0 && ref === undefined ? html`<p class="quiet">and ${more.toLocaleString('en')} more</p>` : ''}
${step.head === undefined ? '' : html`<p class="quiet">HEAD names <code>${userText(step.head, 255)}</code></p>`}
${step.hasReceipt ? html`<p class="quiet"><a href="${links.repository}/receipt/${step.digest}.json">receipt</a></p>` : ''}
</li>
`;
}

/** What was done, by whom, and on what evidence. Tokens of pushes are not kept, so only their ids are there. */
function causeHtml(request: NostrRequest, { digest }: HistoryStep, cause: StepCause): Html {
  const { kind, actor, evidence } = cause;
  const { links } = request.code;
  return html`<span class="cause">${CAUSES[kind]}${actor === undefined ? '' : html` by ${person(request, actor)}`}${
    evidence === undefined
      ? ''
      : isKept(kind)
        ? html` · <a href="${links.repository}/receipt/${digest}/${evidence}.json">evidence</a>`
        : html` · token <code title="${evidence}">${evidence.slice(0, 10)}</code>`
  }</span> `;
}

function isKept(kind: StepCause['kind']): boolean {
  return kind === 'order' || kind === 'announce' || kind === 'withdraw';
}

function changeHtml({ code }: NostrRequest, { ref, before, after }: RefChange): Html {
  // A tag may stand for a single file, which has no page of its own.
  const isBranch = ref.startsWith('refs/heads/');
  const id = (oid: string) =>
    html`<a href="${isBranch ? code.links.at('tree', oid) : code.links.switchTo('tree', oid, [])}"><code>${oid.slice(0, 10)}</code></a>`;
  const name = html`<a href="${code.links.at('receipts', ref)}"><code>${userText(ref, 255)}</code></a>`;
  if (before === undefined)
    return html`<li>${name} created at ${id(after ?? '')}</li>
`;
  if (after === undefined)
    return html`<li>${name} deleted, was <code>${before.slice(0, 10)}</code></li>
`;
  return html`<li>${name} <code>${before.slice(0, 10)}</code> → ${id(after)}</li>
`;
}

function stepJson(request: NostrRequest, step: HistoryStep): z.infer<typeof schema>['steps'][number] {
  const { repository } = request.code.links;
  return {
    publish: step.digest,
    depth: step.depth,
    at: step.at,
    causes: step.causes.map(({ kind, actor, evidence }) => ({
      kind,
      actor: actor === undefined ? null : nostrPersonJson(request.people.person(actor)),
      evidence: evidence ?? null,
    })),
    changes: step.changes.map(({ ref, before, after }) => ({
      ref,
      before: before ?? null,
      after: after ?? null,
    })),
    changeCount: step.changeCount,
    head: step.head ?? null,
    receipt: step.hasReceipt ? `${repository}/receipt/${step.digest}.json` : null,
  };
}
