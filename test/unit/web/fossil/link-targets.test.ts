import { expect, it } from 'vitest';
import { FossilLinks } from '../../../../src/web/fossil/fossil-links.ts';
import { linkTargets } from '../../../../src/web/fossil/pages/notes/link-targets.ts';

const links = new FossilLinks('https://git.example.org', { owner: 'a'.repeat(64), identifier: 'p' });
const [ticket, post, checkIn, file, secret] = ['1', '2', '3', '4', '5'].map((digit) => digit.repeat(40));

/** Only what link targets look at. */
const urlOf = linkTargets(
  {
    bag: {
      find: (name: string) =>
        [post, checkIn, file, secret].includes(name)
          ? { isPrivate: name === secret, isCheckIn: name === checkIn }
          : undefined,
    },
  } as unknown as Parameters<typeof linkTargets>[0],
  {
    wiki: [{ title: 'Home page' }, { title: '1111' }, { title: 'constructor' }],
    tickets: [{ name: ticket }],
    threads: [{ name: post }],
  } as unknown as Parameters<typeof linkTargets>[1],
  links,
);

it.each([
  ['Home page', 'wiki/Home%20page'],
  ['wiki: Home page', 'wiki/Home%20page'],
  ['/wiki?name=Home+page', 'wiki/Home%20page'],
  ['/wiki?name=Home%20page', 'wiki/Home%20page'],
  ['/wiki?name=%', undefined],
  ['constructor', 'wiki/constructor'],
  ['toString', undefined],
  ['No page', undefined],
  // A title comes before the beginning of a ticket's name.
  ['1111', 'wiki/1111'],
  ['11111', `tickets/${ticket}`],
  ['111', undefined],
  ['/tktview/1111', `tickets/${ticket}`],
  [post, `forum/${post}`],
  [checkIn, `checkin/${checkIn}`],
  [`/info/${checkIn}`, `checkin/${checkIn}`],
  [`/artifact/${file}`, `artifact/${file}`],
  [secret, undefined],
  [`/info/${secret}`, undefined],
  ['/timeline', 'timeline'],
  ['/reportlist', 'tickets'],
  ['/setup', undefined],
  ['https://example.org', undefined],
])('the target %j leads to %j', (target, path) => {
  expect(urlOf(target ?? '')).toBe(path === undefined ? undefined : `${links.repository}/${path}`);
});
