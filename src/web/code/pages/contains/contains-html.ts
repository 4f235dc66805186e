import { html } from 'hono/html';
import type { FoundCommit } from '../../../../browse/objects.ts';
import type { ContainingRefs, NamedRefs } from '../../../../browse/refs/containing-refs.ts';
import { linkName, shortName } from '../../../../browse/revision.ts';
import { splitMessage } from '../../../../git/index.ts';
import type { Html } from '../../../layout.ts';
import { userText } from '../../../user-text.ts';
import { type CodeContext, codePage } from '../../frame.ts';
import { counted } from '../../pager.ts';

export interface ContainsContent extends ContainingRefs {
  readonly found: FoundCommit;
}

const NAME = 255;
const SUBJECT = 200;

/** The branches and tags that have a commit in their history. */
export function containsHtml(context: CodeContext, content: ContainsContent): Html {
  const { links, manifest } = context;
  const { found, branches, tags, cut } = content;
  const { oid, commit } = found;
  const short = oid.slice(0, 10);
  const { subject } = splitMessage(commit.message);
  return codePage(
    context,
    `Branches and tags that contain ${short}`,
    html`<h1 class="subject">Branches and tags that contain <code>${short}</code></h1>
<p><a href="${links.commit(oid)}">${subject === '' ? html`<em>no message</em>` : userText(subject, SUBJECT)}</a></p>
${cut ? html`<p class="note">There was no time to look at all branches and tags.</p>` : ''}
${branches.count + tags.count === 0 && !cut ? html`<p>None: the commit is in this repository, and no branch or tag leads to it.</p>` : ''}
${group(counted(branches.count, 'branch', 'branches'), branches, (ref) => links.at('tree', linkName(manifest, ref)))}
${group(counted(tags.count, 'tag', 'tags'), tags, (ref) => links.at('tag', shortName(ref)))}`,
  );
}

function group(title: string, { names, count }: NamedRefs, urlOf: (ref: string) => string): Html | '' {
  if (count === 0) return '';
  return html`<h2>${title}</h2>
<ul class="listed refs compact">
${names.map(
  (ref) => html`<li><a href="${urlOf(ref)}">${userText(shortName(ref), NAME)}</a></li>
`,
)}</ul>
${names.length < count ? html`<p class="quiet">The first ${names.length} are shown.</p>` : ''}`;
}
