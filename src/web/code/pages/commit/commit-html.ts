import { html } from 'hono/html';
import type { CheckedSignature } from '../../../../browse/check-signature.ts';
import type { Differences } from '../../../../browse/differences.ts';
import type { FoundCommit } from '../../../../browse/objects.ts';
import { splitMessage, splitTrailers } from '../../../../git/index.ts';
import type { Html } from '../../../layout.ts';
import { userText } from '../../../user-text.ts';
import type { ColouredLines } from '../../diff/colour-lines.ts';
import type { DiffView } from '../../diff/diff-view.ts';
import { differencesHtml } from '../../diff/differences-html.ts';
import { type CodeContext, codePage } from '../../frame.ts';
import { messageHtml } from '../../message/message-html.ts';
import { dayAndTime, personName } from '../../person.ts';

export interface CommitPageParts {
  readonly found: FoundCommit;
  /** Words of the message that are ids of commits. */
  readonly known: ReadonlyMap<string, string>;
  readonly signature: CheckedSignature | undefined;
  /** How the commit differs from a parent. */
  readonly differences: Differences;
  readonly coloured: ColouredLines | undefined;
  /** Which parent that is, from 1; 0 if there is none. */
  readonly parent: number;
  readonly view: DiffView;
}

const SUBJECT = 500;
const MESSAGE = 20_000;
const TRAILER = 300;
const SIGNER = 300;
/** Links to parents on a page: a commit may have thousands. */
const MOST_PARENTS = 64;

/** A commit: who, when, why and what. */
export function commitHtml(context: CodeContext, parts: CommitPageParts): Html {
  const { found, known, parent, view, differences, coloured } = parts;
  const { links } = context;
  const { oid, commit } = found;
  const { subject, body } = splitMessage(commit.message);
  const trailers = splitTrailers(commit.message).trailers;
  const rest = trailers.length === 0 ? body : splitTrailers(`-\n\n${body}`).text.slice(3);
  // A heading does not have all of a long first paragraph.
  const text = subject.length > SUBJECT ? [subject, rest].filter((part) => part !== '').join('\n\n') : rest;
  return codePage(
    context,
    subject === '' ? oid.slice(0, 10) : subject,
    html`<h1 class="subject">${subject === '' ? html`<em>no message</em>` : messageHtml(links, subject, known, SUBJECT)}</h1>
${text === '' ? '' : html`<div class="message">${messageHtml(links, text, known, MESSAGE)}</div>`}
<dl>
${people(found)}
<dt>Commit</dt><dd><code>${oid}</code></dd>
${parents(parts, links)}
${trailers.map(
  ({
    name,
    value,
  }) => html`<dt>${userText(name, 60)}</dt><dd>${messageHtml(links, value, known, TRAILER)}</dd>
`,
)}${signature(parts.signature)}
</dl>
<p class="switches"><a href="${links.at('tree', oid)}">Files</a> <a href="${links.at('commits', oid)}">History</a>
<a href="${links.commit(oid)}.patch">Patch</a> <a href="${links.commit(oid)}.diff">Diff</a>
<a href="${links.at('contains', oid)}" rel="nofollow">Branches and tags</a>
<a href="${links.repository}/checks/${oid}">Checks</a></p>
${differencesHtml(links, {
  differences,
  coloured,
  view,
  here: links.commit(oid),
  others: parent > 1 ? { parent: String(parent) } : {},
  before: commit.parents[parent - 1],
  after: oid,
})}`,
  );
}

function people({ commit: { author, committer } }: FoundCommit): Html {
  const isSamePerson = author.name === committer.name && author.email === committer.email;
  const when = (title: string, person: typeof author) =>
    html`<dt>${title}</dt><dd>${personName(person)} <span class="quiet">${dayAndTime(person)}</span></dd>`;
  return html`${when('Author', author)}
${isSamePerson && author.time === committer.time ? '' : when('Committer', committer)}`;
}

/** The parents; for a merge, with links to the differences from each. */
function parents({ found, parent, view }: CommitPageParts, links: CodeContext['links']): Html {
  const { oid, commit } = found;
  const isMerge = commit.parents.length > 1;
  const compared = (number: number) => {
    if (number === parent) return html` <span class="quiet">compared below</span>`;
    const query = [...(number > 1 ? [`parent=${number}`] : []), ...(view.split ? ['view=split'] : [])];
    return html` <a href="${links.commit(oid)}${query.length === 0 ? '' : `?${query.join('&')}`}">compare with this parent</a>`;
  };
  const more = commit.parents.length - MOST_PARENTS;
  return html`${commit.parents.slice(0, MOST_PARENTS).map(
    (
      id,
      at,
    ) => html`<dt>Parent</dt><dd><a href="${links.commit(id)}"><code>${id}</code></a>${isMerge ? compared(at + 1) : ''}</dd>
`,
  )}${more > 0 ? html`<dt>Parents</dt><dd>and ${more.toLocaleString('en')} more</dd>` : ''}${
    commit.parents.length === 0 ? html`<dt>Parent</dt><dd>none: this is where the history begins</dd>` : ''
  }`;
}

const KINDS = { openpgp: 'OpenPGP', ssh: 'SSH', x509: 'X.509', nostr: 'Nostr', unknown: 'unknown' } as const;

/** A signature with its status. Only a key that the repository names is good. */
function signature(checked: CheckedSignature | undefined): Html | '' {
  if (checked === undefined) return '';
  const { verdict, kind, key, signer } = checked;
  const named = key === undefined ? '' : html`, key <code>${key}</code>`;
  const text = {
    good: html`<strong>good</strong>, by ${userText(signer ?? '', SIGNER)}`,
    'unknown-key': html`<strong>unknown key</strong>: the signature fits, but this repository does not say whose key it is`,
    bad: html`<strong>bad</strong>: the signature does not fit this commit`,
    'not-checked': html`signed, not checked here`,
  }[verdict];
  return html`<dt>Signature</dt><dd>${text} <span class="quiet">(${KINDS[kind]}${named})</span></dd>`;
}
