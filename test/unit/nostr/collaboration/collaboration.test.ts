import { describe, expect, it } from 'vitest';
import {
  parseCheckRequest,
  parseJobResult,
  parseWorkflowRun,
} from '../../../../src/nostr/collaboration/check-run.ts';
import { oneLine } from '../../../../src/nostr/collaboration/clean-text.ts';
import { parseComment } from '../../../../src/nostr/collaboration/comment.ts';
import { eventUri } from '../../../../src/nostr/collaboration/event-reference.ts';
import { parseLabelling } from '../../../../src/nostr/collaboration/label.ts';
import { parseProfile, skeleton } from '../../../../src/nostr/collaboration/profile.ts';
import { parsePullRequestVersion } from '../../../../src/nostr/collaboration/pull-request.ts';
import { latestFirst, predecessorOf, subjectOf } from '../../../../src/nostr/collaboration/references.ts';
import { parseStatus } from '../../../../src/nostr/collaboration/status.ts';
import { parseThreadStart } from '../../../../src/nostr/collaboration/thread-start.ts';
import { kinds } from '../../../../src/nostr/kinds.ts';
import { alice, bob } from '../authors.ts';

const id = (digit: string) => digit.repeat(64);
const commit = 'c'.repeat(40);
const address = `${kinds.repository}:${alice.publicKey}:project`;

describe('text on one line', () => {
  it('contains no line breaks, invisible or direction-changing characters, or stacked marks', () => {
    expect(oneLine('  a\u202eb\n\tc\u200b\u2066d\0\u007f\u{e0041} ', 50)).toBe('ab cd');
    expect(oneLine(`Z${'\u0301'.repeat(100)}algo`, 50)).toBe('Z\u0301\u0301algo');
    expect(oneLine('Grüße, 世界 🏔', 50)).toBe('Grüße, 世界 🏔');
  });

  it('is cut outside of surrogate pairs, and only its beginning is read', () => {
    expect(oneLine('abcdef', 3)).toBe('abc…');
    expect(oneLine('ab🏔cd', 3)).toBe('ab…');
    expect(oneLine('x'.repeat(10_000_000), 3)).toBe('xxx…');
    expect(oneLine(`${'\u200b'.repeat(1_000)}x`, 3)).toBe('…');
  });
});

describe('a profile', () => {
  const profile = (content: unknown) =>
    parseProfile(
      alice.sign({
        kind: kinds.profile,
        content: typeof content === 'string' ? content : JSON.stringify(content),
      }),
    );

  it('has a name, an address and a page, and pictures are not read', () => {
    expect(
      profile({
        name: 'ali',
        display_name: ' Alice\n L. ',
        about: 'writes',
        website: 'https://alice.example/',
        nip05: 'alice@alice.example',
        picture: 'https://tracker.example/pixel.png',
      }),
    ).toEqual({
      at: 1_700_000_000,
      name: 'Alice L.',
      about: 'writes',
      website: 'https://alice.example/',
      nip05: 'alice@alice.example',
    });
  });

  it('that is malformed, hostile or huge is empty', () => {
    const nothing = { at: 1_700_000_000 };
    expect(profile('{')).toEqual(nothing);
    expect(profile('[]')).toEqual(nothing);
    expect(profile('null')).toEqual(nothing);
    expect(
      profile({ name: 7, display_name: { a: 1 }, website: 'javascript:alert(1)', nip05: '<b>' }),
    ).toEqual(nothing);
    expect(profile({ website: 'https://user:secret@host.example/' })).toEqual(nothing);
    expect(profile({ name: 'x', about: 'y'.repeat(70_000) })).toEqual(nothing);
  });

  it('has no name that looks like a key', () => {
    expect(profile({ name: 'npub1qqqqqqqqqqqqqqqqqqqq' })).toEqual({ at: 1_700_000_000 });
    expect(profile({ display_name: 'n.p.u.b.1.qqq', name: 'bob' }).name).toBe('bob');
    expect(profile({ name: alice.publicKey.slice(0, 20) }).name).toBeUndefined();
  });

  it('names that look alike have one skeleton', () => {
    for (const like of ['alice', 'ALICE', 'Alice ', 'аliсе', 'a1ice', '✓ Alice', 'ａｌｉｃｅ', 'alicé'])
      expect(skeleton(like), like).toBe(skeleton('Alice'));
    expect(skeleton('Bob')).not.toBe(skeleton('Alice'));
    expect(skeleton('✓')).toBe('');
  });
});

describe('the head of a thread', () => {
  it('has the stated subject, or the first line', () => {
    const subject = (kind: number, content: string, ...tags: string[][]) =>
      parseThreadStart(alice.sign({ kind, content, tags }))?.subject;
    expect(subject(kinds.issue, 'text', ['subject', 'Stated'])).toBe('Stated');
    expect(subject(kinds.issue, '\n## First line\nmore')).toBe('First line');
    expect(subject(kinds.issue, '')).toBe('No subject');
    expect(subject(kinds.pullRequest, 'text', ['subject', 'A\u202eB'])).toBe('AB');
    const mail =
      'From 0123 Mon Sep 17 00:00:00 2001\nFrom: A <a@example>\nSubject: [PATCH v2 1/3] Fix\n it all\n\nBody\n';
    expect(subject(kinds.patch, mail)).toBe('Fix it all');
    expect(parseThreadStart(alice.sign({ kind: kinds.comment }))).toBeUndefined();
  });

  it('has labels, without the marks of patches', () => {
    const tags = [
      ['t', 'root'],
      ['t', 'bug'],
      ['t', 'bug'],
      ['t', ' '],
      ...Array.from({ length: 50 }, (_, at) => ['t', `l${at}`]),
    ];
    const labels = parseThreadStart(alice.sign({ kind: kinds.patch, tags }))?.labels;
    expect(labels).toHaveLength(20);
    expect(labels).toContain('bug');
    expect(labels).not.toContain('root');
  });
});

describe('references to a thread', () => {
  it('use the tag marked root, or else the first one', () => {
    const tags = [
      ['e', id('a'), '', 'reply'],
      ['e', id('b'), '', 'root'],
    ];
    expect(subjectOf({ tags })).toBe(id('b'));
    expect(
      subjectOf({
        tags: [
          ['e', 'no'],
          ['e', id('c')],
        ],
      }),
    ).toBe(id('c'));
    expect(subjectOf({ tags: [] })).toBeUndefined();
  });

  it('of patches follow reply, then root, then the last tag', () => {
    expect(
      predecessorOf({
        tags: [
          ['e', id('a'), '', 'root'],
          ['e', id('b'), '', 'reply'],
        ],
      }),
    ).toBe(id('b'));
    expect(predecessorOf({ tags: [['e', id('a'), '', 'root']] })).toBe(id('a'));
    expect(
      predecessorOf({
        tags: [
          ['e', id('a')],
          ['e', id('b')],
          ['e', id('c'), '', 'mention'],
        ],
      }),
    ).toBe(id('b'));
  });

  it('of a status say what it sets, what was applied, and as which commits', () => {
    const tags = [
      ['e', id('a'), '', 'root'],
      ['q', id('b')],
      ['merge-commit', commit],
      ['applied-as-commits', commit, 'nonsense', 'd'.repeat(40)],
    ];
    expect(parseStatus(bob.sign({ kind: kinds.statusApplied, tags }))).toMatchObject({
      status: 'applied',
      thread: id('a'),
      applied: [id('b'), id('a')],
      commits: [commit, 'd'.repeat(40)],
    });
    expect(parseStatus(bob.sign({ kind: kinds.statusOpen, tags: [] }))).toBeUndefined();
    expect(parseStatus(bob.sign({ kind: kinds.issue, tags }))).toBeUndefined();
  });

  it('of the same second are ordered by the larger id', () => {
    const both = [
      { at: 1, id: 'a' },
      { at: 1, id: 'b' },
      { at: 2, id: 'a' },
    ];
    expect(both.sort(latestFirst).map(({ at, id: name }) => `${at}${name}`)).toEqual(['2a', '1b', '1a']);
  });

  it('with labels count in the namespaces of threads only', () => {
    const label = (...tags: string[][]) =>
      parseLabelling(bob.sign({ kind: kinds.label, tags: [['e', id('a')], ...tags] }));
    expect(label(['L', '#t'], ['l', 'bug', '#t'], ['l', 'x', 'other'])?.labels).toEqual(['bug']);
    expect(label(['l', 'New\nsubject', '#subject'])?.subject).toBe('New subject');
    expect(label(['l', 'spam', 'ugc'])).toBeUndefined();
  });

  it('of a comment name its parent, and a position in a file', () => {
    const tags = [
      ['E', id('a')],
      ['e', id('b')],
      ['f', 'src/x.ts'],
      ['line', '3-7'],
    ];
    expect(parseComment(bob.sign({ kind: kinds.comment, tags, content: 'hi' }))).toMatchObject({
      thread: id('a'),
      parent: id('b'),
      place: { path: 'src/x.ts', lines: '3-7' },
    });
    expect(parseComment(bob.sign({ kind: kinds.comment, tags: [['e', id('b')]] }))).toBeUndefined();
  });

  it('of a pull request have a tip, and only URLs that are harmless in a command', () => {
    const tags = [
      ['c', commit],
      [
        'clone',
        'https://git.example/x.git',
        'ext::sh -c id',
        '--upload-pack=id',
        'file:///etc',
        'ssh://-oProxyCommand=id/x',
        'https://a b/',
      ],
      ['branch-name', 'topic'],
    ];
    expect(parsePullRequestVersion(bob.sign({ kind: kinds.pullRequest, tags }))).toMatchObject({
      tip: commit,
      clone: ['https://git.example/x.git'],
      branch: 'topic',
    });
    const update = bob.sign({
      kind: kinds.pullRequestUpdate,
      tags: [
        ['E', id('a')],
        ['c', 'HEAD'],
      ],
    });
    expect(parsePullRequestVersion(update)).toMatchObject({ thread: id('a') });
    expect(parsePullRequestVersion(update)?.tip).toBeUndefined();
  });
});

describe('results of checks (NIP-C1)', () => {
  const common = [
    ['a', address],
    ['c', commit],
    ['w', '.github/ci.yml', id('0')],
    ['o', 'push'],
  ];

  it('are read as a run, a job, or a request', () => {
    const quotes = [
      ['q', id('1'), '', bob.publicKey, 'build'],
      ['q', id('2'), '', alice.publicKey, 'service-request'],
    ];
    const run = {
      kind: kinds.ciWorkflowResult,
      tags: [...common, ['conclusion', 'failure'], ['r', 'refs/heads/main'], ['r', 'run-1'], ...quotes],
    };
    expect(parseWorkflowRun(bob.sign(run))).toMatchObject({
      status: 'concluded',
      conclusion: 'failure',
      commit,
      workflow: '.github/ci.yml',
      run: 'run-1',
      jobs: [id('1')],
    });
    const progress = {
      kind: kinds.ciWorkflowProgress,
      tags: [...common, ['d', 'run-1'], ['status', 'in_progress']],
    };
    expect(parseWorkflowRun(bob.sign(progress))).toMatchObject({ status: 'in_progress', run: 'run-1' });
    const job = [...common, ['job', 'build'], ['conclusion', 'success'], ['logs', 'javascript:alert(1)']];
    expect(parseJobResult(bob.sign({ kind: kinds.ciJobResult, tags: job }))).toEqual(
      expect.not.objectContaining({ logs: expect.anything() }),
    );
    const ask = {
      kind: kinds.ciServiceRequest,
      tags: [
        ['a', address],
        ['p', bob.publicKey],
      ],
    };
    expect(parseCheckRequest(alice.sign(ask))).toMatchObject({ coordinator: bob.publicKey, asks: 'serve' });
  });

  it('that are malformed are ignored', () => {
    const result = (...tags: string[][]) =>
      parseWorkflowRun(bob.sign({ kind: kinds.ciWorkflowResult, tags }));
    expect(result(...common)).toBeUndefined();
    expect(result(...common, ['conclusion', 'passed'])).toBeUndefined();
    expect(result(['a', address], ['c', 'HEAD'], ['w', 'x'], ['conclusion', 'success'])).toBeUndefined();
    expect(result(['c', commit], ['w', 'x'], ['conclusion', 'success'])).toBeUndefined();
    const two = [
      ['p', alice.publicKey],
      ['p', bob.publicKey],
    ];
    expect(parseCheckRequest(alice.sign({ kind: kinds.ciServiceRequest, tags: two }))).toBeUndefined();
  });
});

it('the nostr: URI of an event is one that clients open', () => {
  const event = alice.sign({ kind: kinds.issue });
  expect(eventUri(event, 'wss://git.example.org')).toMatch(/^nostr:nevent1[a-z0-9]+$/);
});
