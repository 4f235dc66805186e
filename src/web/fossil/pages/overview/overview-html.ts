import { html } from 'hono/html';
import type { CheckInFacts } from '../../../../browse/fossil/fossil-memory.ts';
import { fossilUrl } from '../../../../nostr/repository-url.ts';
import { type About, NOTHING_SAID } from '../../../code/about.ts';
import { fact, introductionHtml, keyHtml, listHtml, webFact } from '../../../code/facts-html.ts';
import { readmeHtml } from '../../../code/readme/readme-html.ts';
import { commands, type Html, shellWord } from '../../../layout.ts';
import { timeOf } from '../../../time.ts';
import { cut, userText } from '../../../user-text.ts';
import { entriesHtml } from '../../folder-entries.ts';
import { dateText, type FossilContext, fossilFrame } from '../../fossil-frame.ts';
import type { FossilOverview } from './read-overview.ts';

const COMMENT = 200;
const USER = 100;

/** The overview of a Fossil repository: what it is, how to get it, its newest check-ins and files. */
export function overviewHtml(context: FossilContext, content: FossilOverview): Html {
  const { base, name, owner, manifest, about = NOTHING_SAID } = context;
  const description = about.description ?? '';
  const url = fossilUrl(base, owner, manifest.identifier);
  const isEmpty = manifest.artifacts === 0;
  return fossilFrame(
    context,
    '',
    html`<div class="overview">
${introductionHtml(name, description)}
<aside class="get" aria-label="How to get it">
<h2>Clone</h2>
${isEmpty ? html`<p>There is nothing to clone yet: Fossil cannot work in a clone without check-ins.</p>` : cloneHtml(url, manifest.identifier)}
${isEmpty ? '' : html`<details class="push"><summary>How to push</summary>${pushHtml(about, url)}</details>`}
</aside>
<div class="contents">
${isEmpty ? html`<h2>Nothing here yet</h2><p>Nothing has been pushed to this repository. It becomes the project of its first push: one that you have, or a new one from <code>fossil init</code>.</p><h2>Push</h2>${pushHtml(about, url)}` : inside(context, content)}
</div>
<aside class="about" aria-label="About">
<h2>About</h2>
${factsHtml(context, about)}
</aside>
</div>`,
    { ...(description === '' ? {} : { description: cut(description, 160) }), canonical: url },
  );
}

function inside(context: FossilContext, { checkIns, folder, readme }: FossilOverview): Html {
  const { links } = context;
  if (checkIns === undefined) {
    return html`<p>Finding the newest check-ins of this project takes long. Try again in a minute, or look at the <a href="${links.at('timeline')}">timeline</a>.</p>`;
  }
  const [latest] = checkIns;
  if (latest === undefined || folder === undefined) return html`<p>No check-ins yet.</p>`;
  return html`<div class="card">
${checkInHtml(context, latest)}
${entriesHtml(context, '', folder)}
</div>
${readme === undefined ? '' : readmeHtml(links.at('file', folder.checkIn, readme.path.join('/')), readme)}
<h2>Newest check-ins</h2>
<div class="card">${checkIns.map((facts) => checkInHtml(context, facts))}</div>
<p><a href="${links.at('timeline')}">Timeline</a></p>`;
}

function checkInHtml({ links }: FossilContext, { name, comment, user, time }: CheckInFacts): Html {
  return html`<p class="latest"><a class="subject" href="${links.at('checkin', name)}">${comment.trim() === '' ? html`<em>no comment</em>` : userText(comment, COMMENT)}</a>
<span class="quiet">${userText(user, USER)} · ${dateText(time)} · <code>${name.slice(0, 10)}</code></span></p>
`;
}

function factsHtml({ base, owner, manifest }: FossilContext, about: About): Html {
  const maintainers = manifest.policy.writers.filter((writer) => writer !== owner);
  return html`<dl class="facts">
${fact('Kind', html`Fossil repository`)}
${fact('Owner', keyHtml(base, owner, about))}
${maintainers.length === 0 ? '' : fact('Maintainers', listHtml(maintainers.map((one) => keyHtml(base, one, about))))}
${fact('Last push', timeOf(manifest.receiptAt))}
${fact('Artifacts', html`${manifest.artifacts === 0 ? 'none' : manifest.artifacts.toLocaleString('en')}`)}
${webFact(about.web)}
${fact('Project code', html`<code>${manifest.projectCode}</code>`)}
${fact('Identifier', html`<code>${userText(manifest.identifier, 256)}</code>`)}
</dl>`;
}

function cloneHtml(url: string, identifier: string): Html {
  const file = shellWord(`${fileName(identifier)}.fossil`);
  return commands(`fossil clone ${shellWord(url)} ${file}`, `fossil open ${file}`);
}

function pushHtml({ access }: About, url: string): Html {
  if (access === 'read-only') return html`<p>This server is read-only.</p>`;
  if (access === 'open') {
    return html`<p>Anyone who reaches this server may push: it runs for development.</p>
${commands(`fossil push ${shellWord(url)}`)}`;
  }
  return html`<p>The owner and the maintainers may, with a user and a password that Cairn's command line prints:</p>
${commands(`cairn fossil password ${shellWord(url)}`)}`;
}

/** The name of a file to clone into: identifiers come from strangers, and people copy commands. */
function fileName(identifier: string): string {
  return identifier.replace(/[^\w.-]/g, '-').replace(/^[.-]+/, '') || 'project';
}
