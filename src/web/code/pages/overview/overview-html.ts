import { html } from 'hono/html';
import type { FoundCommit } from '../../../../browse/objects.ts';
import type { SomeRefs } from '../../../../browse/refs/ref-choices.ts';
import { shortName } from '../../../../browse/revision.ts';
import { splitMessage } from '../../../../git/index.ts';
import { roughSize } from '../../../../lib/format-size.ts';
import { graspUrl } from '../../../../nostr/repository-url.ts';
import type { GitManifest } from '../../../../repository/git/git-manifest.ts';
import { frontQuery } from '../../../front/front-question.ts';
import { type Html, rootOf } from '../../../layout.ts';
import { timeOf } from '../../../time.ts';
import { cut, userText } from '../../../user-text.ts';
import { counted, fact, introductionHtml, keyHtml, listHtml, webFact } from '../../facts-html.ts';
import { type CodeContext, codePage } from '../../frame.ts';
import { day, personName } from '../../person.ts';
import { readmeHtml } from '../../readme/readme-html.ts';
import { refSwitch } from '../../ref-switch.ts';
import { entriesHtml } from '../tree/tree-html.ts';
import { cloneHtml, pushHtml } from './instructions-html.ts';
import { languagesHtml } from './languages-html.ts';
import type { OverviewContent, OverviewQuestion } from './overview-content.ts';

const TOPICS = 20;

/** The overview of a repository: what it is, how to get it, and what is in its default branch. */
export function overviewHtml(
  context: CodeContext,
  question: OverviewQuestion,
  content: OverviewContent | undefined,
): Html {
  const { base, manifest, name, owner } = context;
  const { about, facts } = question;
  const description = about.description ?? '';
  const instructions = { base, access: about.access, owner, manifest, facts };
  return codePage(
    context,
    '',
    html`<div class="overview">
${introductionHtml(name, description, topics(context, about.topics))}
<aside class="get" aria-label="How to get it">
<h2>Clone</h2>
${cloneHtml(instructions)}
${content === undefined ? '' : html`<details class="push"><summary>How to push</summary>${pushHtml(instructions)}</details>`}
</aside>
<div class="contents">
${content === undefined ? html`${nothingYet(context, question)}<h2>Push</h2>${pushHtml(instructions)}` : inside(context, question, content)}
</div>
<aside class="about" aria-label="About">
<h2>About</h2>
${factsHtml(context, question)}
${content === undefined ? '' : languagesHtml(content.languages)}
</aside>
</div>`,
    {
      ...(description === '' ? {} : { description: cut(description, 160) }),
      canonical: graspUrl(base, owner, manifest.identifier).replace(/\.git$/, ''),
    },
  );
}

/** The content of the default branch. */
function inside(
  context: CodeContext,
  { facts }: OverviewQuestion,
  { folder, latest }: OverviewContent,
): Html {
  const { links } = context;
  const { branch } = facts;
  return html`<div class="branch-bar">${refSwitch(context, { word: 'tree', revision: branch, ref: context.manifest.head, path: [] })}
<a href="${links.repository}/branches">${counted(facts.branches, 'branch', 'branches')}</a>
<a href="${links.repository}/tags">${counted(facts.tags, 'tag', 'tags')}</a>
<a href="${links.at('commits', branch)}">History</a></div>
<div class="card">
${latestHtml(context, latest)}
${entriesHtml(context, { revision: branch, path: [], ...folder })}
</div>
${folder.readme === undefined ? '' : readmeHtml(links.at('file', branch, folder.readme.path), folder.readme)}`;
}

function latestHtml({ links }: CodeContext, { oid, commit }: FoundCommit): Html {
  const { subject } = splitMessage(commit.message);
  return html`<p class="latest"><a class="subject" href="${links.commit(oid)}">${subject === '' ? html`<em>no message</em>` : userText(subject, 200)}</a>
<span class="quiet">${personName(commit.author)} · ${day(commit.author)} · <code>${oid.slice(0, 10)}</code></span></p>`;
}

/** Why there are no files. */
function nothingYet({ choices, links, manifest }: CodeContext, { facts }: OverviewQuestion): Html {
  const { refs, branches, tags } = facts;
  if (refs === 0) return html`<h2>Nothing here yet</h2><p>Nothing has been pushed to this repository.</p>`;
  const others = `${counted(branches, 'branch', 'branches')} and ${counted(tags, 'tag', 'tags')}`;
  return html`<h2>No default branch</h2>
<p>The default branch, ${userText(shortName(manifest.head), 255)}, does not exist. The repository has ${others}.</p>
${choices === undefined || branches === 0 ? '' : refsHtml('Branches', choices.branches, (name) => links.at('tree', name), `${links.repository}/branches`)}
${choices === undefined || tags === 0 ? '' : refsHtml('Tags', choices.tags, (_, ref) => links.at('tag', shortName(ref)), `${links.repository}/tags`)}`;
}

/** Branches or tags, where there is no default branch to begin with. */
function refsHtml(
  title: string,
  { shown, count }: SomeRefs,
  urlOf: (name: string, ref: string) => string,
  all: string,
): Html {
  return html`<h2>${title}</h2>
<ul class="listed refs">
${shown.map(
  ({
    ref,
    name,
  }) => html`<li><a class="name" href="${urlOf(name, ref)}">${userText(shortName(ref), 255)}</a></li>
`,
)}</ul>
${shown.length < count ? html`<p><a href="${all}">All ${count.toLocaleString('en')}</a></p>` : ''}`;
}

function topics({ base }: CodeContext, topics: readonly string[]): Html | '' {
  if (topics.length === 0) return '';
  return html`<ul class="topics" aria-label="Topics">${topics
    .slice(0, TOPICS)
    .map(
      (topic) =>
        html`<li><a class="topic" href="${rootOf(base)}/${frontQuery(`topic:${topic}`, 'newest')}">${userText(topic, 40)}</a></li>`,
    )}</ul>`;
}

function factsHtml({ base, owner, manifest }: CodeContext, { about, facts }: OverviewQuestion): Html {
  const { lastChange, maintainers, protection, size } = facts;
  return html`<dl class="facts">
${fact('Owner', keyHtml(base, owner, about))}
${maintainers.length === 0 ? '' : fact('Maintainers', listHtml(maintainers.map((one) => keyHtml(base, one, about))))}
${lastChange === undefined ? '' : fact('Last push', html`${timeOf(lastChange.at)}${lastChange.by.map((one) => html` by ${keyHtml(base, one, about)}`)}`)}
${size === 0 ? '' : fact('Size', html`${roughSize(size)}`)}
${webFact(about.web)}
${protection.length === 0 ? '' : fact('Protected', listHtml(protection.map(protectionHtml)))}
${manifest.objectFormat === 'sha1' ? '' : fact('Object format', html`SHA-256`)}
${fact('Identifier', html`<code>${userText(manifest.identifier, 256)}</code>`)}
</dl>`;
}

function protectionHtml({ pattern, rules }: GitManifest['policy']['protection'][number]): Html {
  return html`<code>${userText(pattern, 200)}</code>: ${userText(rules.join(', '), 200)}`;
}
