import { describe, expect, it } from 'vitest';
import { type EventsFlags, queriesOf } from '../../../src/cli/events.ts';
import { parseFilter } from '../../../src/nostr/filter.ts';
import { formatNpub } from '../../../src/nostr/public-key.ts';
import { alice, bob } from '../nostr/authors.ts';

const limit = '100';
const address = `30617:${alice.publicKey}:project`;

function queries(flags: Omit<EventsFlags, 'limit'>) {
  const built = queriesOf({ limit, ...flags });
  // What goes over the wire is what a relay understands.
  for (const query of built)
    expect(parseFilter(JSON.parse(JSON.stringify(query)))).toMatchObject({ ok: true });
  return built;
}

describe('the flags of cairn events as queries', () => {
  it.each<[string, Omit<EventsFlags, 'limit'>, object]>([
    ['nothing', {}, { limit: 100 }],
    ['ids', { id: ['a'.repeat(64)] }, { ids: ['a'.repeat(64)] }],
    ['kinds by number and name', { kind: ['1617', 'pull-request'] }, { kinds: [1617, 1618] }],
    ['authors', { author: [formatNpub(alice.publicKey)] }, { authors: [alice.publicKey] }],
    ['tags', { tag: ['t=bug', 't=ui=ux', 'P='] }, { '#t': ['bug', 'ui=ux'], '#P': [''] }],
    ['seconds', { since: '1700000000' }, { since: 1_700_000_000 }],
    ['dates', { until: '2026-01-31T00:00:00Z' }, { until: 1_769_817_600 }],
  ])('%s', (_what, flags, expected) => {
    expect(queries(flags)).toEqual([{ limit: 100, ...expected }]);
  });

  it('a repository: events that refer to it, and its owner’s events about it', () => {
    expect(queries({ repository: `${formatNpub(alice.publicKey)}/project.git` })).toEqual([
      { limit: 100, '#a': [address] },
      { limit: 100, kinds: [30_617, 30_618], authors: [alice.publicKey], '#d': ['project'] },
    ]);
  });

  it.each<[string, Omit<EventsFlags, 'limit'>, object[]]>([
    [
      'of another author',
      { author: [bob.publicKey] },
      [{ limit: 100, authors: [bob.publicKey], '#a': [address] }],
    ],
    ['of another kind', { kind: ['issue'] }, [{ limit: 100, kinds: [1621], '#a': [address] }]],
    [
      'of a kind the owner writes',
      { kind: ['repository-state', 'issue'] },
      [
        { limit: 100, kinds: [30_618, 1621], '#a': [address] },
        { limit: 100, kinds: [30_618], authors: [alice.publicKey], '#d': ['project'] },
      ],
    ],
  ])('a repository, only %s', (_what, flags, expected) => {
    expect(queries({ ...flags, repository: `${alice.publicKey}/project` })).toEqual(expected);
  });
});

describe('cairn events refuses', () => {
  it.each<[string, EventsFlags, RegExp]>([
    [
      'kind',
      { limit, kind: ['pull request'] },
      /--kind is "pull request": expected a number or one of .*pull-request/,
    ],
    ['author', { limit, author: ['alice'] }, /neither an npub/],
    ['tag', { limit, tag: ['bug'] }, /--tag is "bug": expected <letter>=<value>/],
    ['time', { limit, since: 'yesterday' }, /--since is "yesterday"/],
    ['limit', { limit: '0' }, /--limit is "0"/],
    ['repository', { limit, repository: 'project' }, /expected <owner>\/<identifier>/],
    ['repository and tag', { limit, repository: `${alice.publicKey}/p`, tag: ['a=x'] }, /leave out --tag/],
  ])('%s', (_what, flags, reason) => {
    expect(() => queriesOf(flags)).toThrow(reason);
  });
});
