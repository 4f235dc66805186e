import * as byNostrTools from 'nostr-tools/kinds';
import { expect, test } from 'vitest';
import { eventClass } from '../../../src/nostr/event-class.ts';
import { kinds, roleOfKind } from '../../../src/nostr/kinds.ts';

test('the numbers equal those of nostr-tools', () => {
  expect(kinds).toMatchObject({
    profile: byNostrTools.Metadata,
    deletion: byNostrTools.EventDeletion,
    comment: byNostrTools.Comment,
    patch: byNostrTools.Patch,
    pullRequest: byNostrTools.GitPullRequest,
    pullRequestUpdate: byNostrTools.GitPullRequestUpdate,
    issue: byNostrTools.Issue,
    statusOpen: byNostrTools.StatusOpen,
    statusApplied: byNostrTools.StatusApplied,
    statusClosed: byNostrTools.StatusClosed,
    statusDraft: byNostrTools.StatusDraft,
    label: byNostrTools.Label,
    relayList: byNostrTools.RelayList,
    relayAuth: byNostrTools.ClientAuth,
    httpAuth: byNostrTools.HTTPAuth,
    applicationData: byNostrTools.Application,
    repository: byNostrTools.RepositoryAnnouncement,
    repositoryState: byNostrTools.RepositoryState,
  });
});

test.each([
  [30_617, 'repository'],
  [30_618, 'repository'],
  [1617, 'discussion'],
  [1618, 'discussion'],
  [1619, 'discussion'],
  [1621, 'discussion'],
  [1111, 'discussion'],
  [1630, 'discussion'],
  [1631, 'discussion'],
  [1632, 'discussion'],
  [1633, 'discussion'],
  [9840, 'discussion'],
  [9841, 'discussion'],
  [9842, 'discussion'],
  [9843, 'discussion'],
  [9844, 'discussion'],
  [39_842, 'discussion'],
  [0, 'author'],
  [10_002, 'author'],
  [10_317, 'anyone'],
  [5, 'deletion'],
  [1, 'none'],
  [4, 'none'],
  [30_023, 'none'],
  [30_078, 'none'],
])('kind %i has the role %s', (kind, role) => {
  expect(roleOfKind(kind)).toBe(role);
});

test('proofs of identity are never stored', () => {
  for (const kind of [kinds.httpAuth, kinds.relayAuth]) {
    expect(roleOfKind(kind)).toBe('none');
    expect(eventClass(kind)).toBe('ephemeral');
  }
});
