import { html } from 'hono/html';
import type { Announcement } from '../../../nostr/announcement.ts';
import { formatNpub } from '../../../nostr/public-key.ts';
import { fossilUrl } from '../../../nostr/repository-url.ts';
import { CodeLinks, encodeSegment } from '../../code/code-links.ts';
import { type Html, page, rootOf } from '../../layout.ts';
import { visitor as visitorHtml } from '../../session/visitor.ts';
import { timeOf } from '../../time.ts';
import { cut, shortNpub, userText } from '../../user-text.ts';
import { THREAD_WORDS } from '../lists/thread-words.ts';
import type { PeopleOnPage } from '../people/people-on-page.ts';
import { identicon } from '../people/person-html.ts';
import type { Activity, OwnerContent } from './read-owner.ts';

const NAME = 60;

/** The page of somebody: the key first, since it alone says who that is. */
export function ownerHtml(
  base: string,
  people: PeopleOnPage,
  { key, profile, repositories, moreRepositories, activity }: OwnerContent,
  visitor: string | undefined,
): Html {
  const { npub, name } = people.person(key);
  return page({
    title: name === undefined ? shortNpub(npub) : `${cut(name, NAME)} · ${shortNpub(npub)}`,
    base,
    content: html`${visitor === undefined ? '' : visitorHtml(base, visitor)}
<h1>${identicon(key)} ${name === undefined ? html`<code>${shortNpub(npub)}</code>` : userText(name, NAME)}</h1>
${profile?.about === undefined ? '' : html`<p>${userText(profile.about, 400)}</p>`}
<dl>
<dt>Key</dt><dd><code>${npub}</code></dd>
${profile?.nip05 === undefined ? '' : html`<dt>Says to be</dt><dd>${userText(profile.nip05, 200)} <span class="quiet">not checked here</span></dd>`}
${profile?.website === undefined ? '' : html`<dt>Web</dt><dd><a href="${profile.website}" rel="nofollow ugc noopener noreferrer">${userText(profile.website, 200)}</a></dd>`}
</dl>
<p><a href="nostr:${npub}" rel="nofollow">Open in a Nostr client</a></p>
<h2>Repositories</h2>
${repositories.length === 0 ? html`<p>None here.</p>` : html`<ul class="listed">${repositories.map((one) => repositoryHtml(base, one))}</ul>`}
${moreRepositories ? html`<p class="quiet">The ${repositories.length} announced last.</p>` : ''}
<h2>Activity</h2>
${activity.length === 0 ? html`<p>Nothing here.</p>` : html`<ul class="listed">${activity.map((one) => activityHtml(base, key, one))}</ul>`}`,
  });
}

/** The page of a key about which nothing is known here, or nothing that the visitor may see: always the same. */
export function unknownOwnerHtml(base: string, key: string): Html {
  const npub = formatNpub(key);
  return page({
    title: shortNpub(npub),
    base,
    content: html`<h1>${identicon(key)} <code>${shortNpub(npub)}</code></h1>
<p>Nothing is known here about this key, or nothing that is for everybody: no repository was announced with it, and it has written nothing. If it has a
private repository that you may read, <a href="${rootOf(base)}/sign-in" referrerpolicy="same-origin">sign in</a>.</p>
<dl><dt>Key</dt><dd><code>${npub}</code></dd></dl>
<p><a href="nostr:${npub}" rel="nofollow">Open in a Nostr client</a></p>`,
  });
}

function repositoryHtml(base: string, announcement: Announcement): Html {
  const { owner, identifier, name, description, vcs, at } = announcement;
  const url =
    vcs === 'fossil'
      ? fossilUrl(base, owner, identifier)
      : new CodeLinks(base, { owner, identifier }).repository;
  const text = description?.trim() ?? '';
  return html`<li><a href="${url}">${userText(name?.trim() || identifier, 80)}</a>${announcement.private ? html` <span class="role">private</span>` : ''} <span class="quiet">announced ${timeOf(at)}</span>
${text === '' ? '' : html`<p>${userText(text, 200)}</p>`}</li>
`;
}

function activityHtml(base: string, key: string, { at, did, repository, thread, subject }: Activity): Html {
  const links = repository === undefined ? undefined : new CodeLinks(base, repository);
  // An announcement begins no thread, and is about the repository itself.
  const isAnnouncement = thread === undefined && subject !== undefined && subject === repository?.identifier;
  const where =
    links === undefined || repository === undefined
      ? ''
      : html`${isAnnouncement ? '' : ' in'} <a href="${links.repository}">${userText(repository.identifier, 60)}</a>${
          repository.owner === key
            ? ''
            : html` <code class="quiet">${shortNpub(formatNpub(repository.owner))}</code>`
        }`;
  const text = subject === undefined || isAnnouncement ? '' : html`: ${userText(subject, 120)}`;
  const deed =
    links === undefined || thread === undefined
      ? html`${did}${text}`
      : html`<a href="${links.repository}/${THREAD_WORDS[thread.kind].one}/${encodeSegment(Buffer.from(thread.id))}">${did}</a>${text}`;
  return html`<li>${timeOf(at)} ${deed}${where}</li>
`;
}
