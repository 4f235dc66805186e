import type { FossilView } from '../../../../browse/fossil/fossil-view.ts';
import type { ProjectNotes } from '../../../../browse/fossil/notes/project-notes.ts';
import { parseArtifactName } from '../../../../fossil/artifact-name.ts';
import type { FossilLinks } from '../../fossil-links.ts';
import type { FossilWord } from '../../fossil-word.ts';

/** Pages of Fossil's own server, and those here that show the same. */
const LISTS: Readonly<Record<string, FossilWord>> = {
  '/forum': 'forum',
  '/reportlist': 'tickets',
  '/ticket': 'tickets',
  '/timeline': 'timeline',
  '/wcontent': 'wiki',
  '/wiki': 'wiki',
};
/** What a part of a ticket's name has at least, as for Fossil. */
const PREFIX = 4;

/**
 * Finds where the links of texts lead: the title of a page of the wiki, the hash of an artifact, the name of a ticket or the beginning
 * of one, or the path of a page that Fossil's own server has.
 * @returns a function from a target to a URL of this server; undefined for what is not here
 */
export function linkTargets(
  { bag }: Pick<FossilView, 'bag'>,
  { wiki, tickets, threads }: Pick<ProjectNotes, 'wiki' | 'tickets' | 'threads'>,
  links: FossilLinks,
): (target: string) => string | undefined {
  const titles = new Set(wiki.map(({ title }) => title));
  const page = (title: string) => (titles.has(title) ? links.at('wiki', undefined, title) : undefined);
  const named = (word: string): string | undefined => {
    if (!/^[0-9a-f]+$/.test(word) || word.length < PREFIX) return undefined;
    const ticket = tickets.find(({ name }) => name.startsWith(word));
    if (ticket !== undefined) return links.at('tickets', ticket.name);
    const artifact = parseArtifactName(word);
    const entry = artifact === undefined ? undefined : bag.find(artifact);
    if (artifact === undefined || entry === undefined || entry.isPrivate) return undefined;
    if (threads.some(({ name }) => name === artifact)) return links.at('forum', artifact);
    return links.at(entry.isCheckIn ? 'checkin' : 'artifact', artifact);
  };
  return (target) => {
    const [, name] = /^wiki:(.+)$/s.exec(target) ?? [];
    if (name !== undefined) return page(name.trim());
    const [, query] = /^\/wiki\?(?:name|p)=([^&#]+)$/.exec(target) ?? [];
    if (query !== undefined) return page(decoded(query));
    const [, hash] =
      /^\/(?:info|artifact|vinfo|ci|tktview|forumpost|forumthread)\/([0-9a-f]+)$/.exec(target) ?? [];
    if (hash !== undefined) return named(hash);
    const list = Object.hasOwn(LISTS, target) ? LISTS[target] : undefined;
    return list === undefined ? (page(target) ?? named(target)) : links.at(list);
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}
