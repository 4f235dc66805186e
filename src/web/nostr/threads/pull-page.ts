import { html } from 'hono/html';
import { z } from 'zod';
import type { Differences } from '../../../browse/differences.ts';
import { shortName } from '../../../browse/revision.ts';
import { splitMessage } from '../../../git/index.ts';
import type { PullRequestVersion } from '../../../nostr/collaboration/pull-request.ts';
import { graspUrl } from '../../../nostr/repository-url.ts';
import type { ColouredLines } from '../../code/diff/colour-lines.ts';
import { DIFF_QUERY, type DiffView, readDiffView } from '../../code/diff/diff-view.ts';
import { differencesHtml } from '../../code/diff/differences-html.ts';
import { readContexts } from '../../code/diff/file-contexts.ts';
import { codePage } from '../../code/frame.ts';
import { commitJson, commitSchema } from '../../code/json/commit-json.ts';
import { differencesJson, differencesSchema } from '../../code/json/differences-json.ts';
import { commands, type Html, shellWord } from '../../layout.ts';
import { timeOf } from '../../time.ts';
import { userText } from '../../user-text.ts';
import type { NostrPage, NostrRequest } from '../nostr-page.ts';
import { nostrPersonJson, nostrPersonSchema } from '../people/person-json.ts';
import { type PullChanges, PullComparisons } from './pull-changes.ts';
import { person, threadHead, threadTail } from './thread-html.ts';
import { cutText, threadJson, threadSchema } from './thread-json.ts';
import { readThread, requestedEvent, type ThreadContent } from './thread-parts.ts';

interface PullContent extends ThreadContent {
  /** The tip that is shown; absent if the events name none. */
  readonly version: PullRequestVersion | undefined;
  /** Absent if the tip is not in this repository. */
  readonly changes: PullChanges | undefined;
  /** Lines of the changes in colours; only for people. */
  readonly coloured: ColouredLines | undefined;
  readonly view: DiffView;
}

const versionSchema = z.object({
  event: z.string(),
  author: nostrPersonSchema,
  createdAt: z.number().int(),
  tip: z.string().nullable(),
  mergeBase: z.string().nullable().describe('merge base stated by the author'),
  clone: z.array(z.string()),
  branch: z.string().nullable(),
});

const schema = threadSchema.extend({
  content: z.string().describe('Markdown'),
  versions: z.array(versionSchema).describe('its tips, newest first'),
  shown: z.string().nullable().describe('event of the version that is compared'),
  changes: z
    .object({
      base: z.string().nullable(),
      merged: z.boolean(),
      commits: z.array(commitSchema),
      moreCommits: z.boolean(),
      differences: differencesSchema,
    })
    .nullable()
    .describe('null if the tip is missing in this repository'),
});

/** A pull request. */
export function pullPage(): NostrPage<PullContent, z.infer<typeof schema>> {
  const comparisons = new PullComparisons();
  return {
    word: 'pull',
    description: {
      summary:
        'A pull request: its tips, its commits, its changes against the default branch, and its comments',
      path: 'pull/{event}',
      query: {
        version: 'event of the tip to show; the newest without it',
        skip: 'comments to leave out before the first one',
        ...DIFF_QUERY,
      },
    },
    read: async (request) => {
      const event = requestedEvent(request, 'pull');
      const content = await readThread(request, event, event.content);
      const wanted = request.query.get('version');
      const { versions } = content.thread;
      const version =
        versions.find(({ id }) => id === wanted) ?? versions.find(({ tip }) => tip !== undefined);
      const view = readDiffView(request.query);
      const changes =
        version === undefined
          ? undefined
          : await comparisons.changes(request.sources, request.found, version, view);
      const isShown = request.representation === 'html' && changes !== undefined;
      const coloured = isShown ? await colour(request, changes.differences) : undefined;
      return { ...content, version, changes, coloured, view };
    },
    html: (request, content) =>
      codePage(
        request.code,
        content.thread.start.subject,
        html`${threadHead(request, content)}
${content.texts.body}
${versionsHtml(request, content)}
${changesHtml(request, content)}
${threadTail(request, content)}`,
      ),
    json: { schema, of: pullJson },
  };
}

function colour({ sources, found }: NostrRequest, differences: Differences): Promise<ColouredLines> {
  const { views, texts } = sources;
  return texts.colour(differences, (files) =>
    views.read(found.repository, found.published, undefined, (view) => readContexts(view, files)),
  );
}

function versionsHtml(request: NostrRequest, { thread, version, changes }: PullContent): Html {
  if (version?.tip === undefined) return html`<p>It names no commit.</p>`;
  const { links } = request.code;
  const here = `${links.repository}/pull/${thread.start.id}`;
  const items = thread.versions.map((one) => {
    const text = html`<code>${(one.tip ?? 'no commit').slice(0, 10)}</code>`;
    const isShown = one.id === version.id;
    return html`<li>${isShown ? html`<strong>${text}</strong>` : html`<a href="${here}?version=${one.id}">${text}</a>`} <span class="quiet">${timeOf(one.at)} by ${person(request, one.author)}</span></li>
`;
  });
  return html`<dl>
<dt>Tip</dt><dd>${changes === undefined ? html`<code>${version.tip}</code>` : html`<a href="${links.commit(version.tip)}"><code>${version.tip}</code></a>`}</dd>
${version.branch === undefined ? '' : html`<dt>Branch</dt><dd><code>${userText(version.branch, 200)}</code></dd>`}
<dt>Into</dt><dd><code>${userText(shortName(request.code.manifest.head), 255)}</code></dd>
${thread.versions.length > 1 ? html`<dt>Versions</dt><dd><ul>${items}</ul></dd>` : ''}
</dl>
${howToFetch(request, version, changes !== undefined)}`;
}

/** How to get the tip: from here if it is here, or else from where its author says that it is. */
function howToFetch(
  { code, found }: NostrRequest,
  { id, tip, clone }: PullRequestVersion,
  isHere: boolean,
): Html | '' {
  if (tip === undefined) return '';
  if (isHere) {
    const { owner, identifier } = found.id;
    const ref = `refs/nostr/${id}`;
    const what = code.manifest.refs.get(ref) === tip ? ref : tip;
    return commands(
      `git fetch ${shellWord(graspUrl(code.base, owner, identifier))} ${what}`,
      'git checkout FETCH_HEAD',
    );
  }
  if (clone.length === 0) return '';
  return html`<p class="quiet">Its author says that it is there; nobody has checked that:</p>
${commands(...clone.map((url) => `git fetch ${shellWord(url)} ${tip}`))}`;
}

function changesHtml(request: NostrRequest, content: PullContent): Html | '' {
  const { thread, version, changes, coloured, view } = content;
  if (version?.tip === undefined) return '';
  if (changes === undefined) {
    return html`<h2>Changes</h2><p>This commit is not in this repository, so its changes cannot be shown here.</p>`;
  }
  const { links, manifest } = request.code;
  const { base, merged, commits, moreCommits, differences } = changes;
  const branch = userText(shortName(manifest.head), 255);
  const list = commits.map(({ oid, commit }) => {
    const { subject } = splitMessage(commit.message);
    return html`<li><a href="${links.commit(oid)}">${subject === '' ? html`<em>no message</em>` : userText(subject, 200)}</a> <code class="quiet">${oid.slice(0, 10)}</code></li>
`;
  });
  return html`${merged ? html`<p>All of its commits are in <code>${branch}</code>.</p>` : ''}
${
  commits.length === 0
    ? ''
    : html`<h2>Commits</h2>
<ul class="changed">
${list}</ul>
${moreCommits ? html`<p class="quiet">Only the newest ${commits.length} are listed.</p>` : ''}`
}
${
  merged && base === undefined
    ? ''
    : differencesHtml(links, {
        differences,
        coloured,
        view,
        here: `${links.repository}/pull/${thread.start.id}`,
        others: version.id === thread.versions[0]?.id ? {} : { version: version.id },
        before: base,
        after: version.tip,
      })
}`;
}

function pullJson(request: NostrRequest, content: PullContent): z.infer<typeof schema> {
  const { thread, version, changes } = content;
  return {
    ...threadJson(request, content),
    content: cutText(thread.event.content),
    versions: thread.versions.map(({ id, author, at, tip, mergeBase, clone, branch }) => ({
      event: id,
      author: nostrPersonJson(request.people.person(author)),
      createdAt: at,
      tip: tip ?? null,
      mergeBase: mergeBase ?? null,
      clone: [...clone],
      branch: branch ?? null,
    })),
    shown: version?.id ?? null,
    changes:
      changes === undefined
        ? null
        : {
            base: changes.base ?? null,
            merged: changes.merged,
            commits: changes.commits.map(commitJson),
            moreCommits: changes.moreCommits,
            differences: differencesJson(changes.differences),
          },
  };
}
