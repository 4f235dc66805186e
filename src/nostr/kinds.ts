/** The kinds of event that matter to git hosting (NIP-34 and those it leans on), by name. */
export const kinds = {
  profile: 0,
  deletion: 5,
  repost: 6,
  genericRepost: 16,
  comment: 1111,
  patch: 1617,
  pullRequest: 1618,
  pullRequestUpdate: 1619,
  issue: 1621,
  coverNote: 1624,
  statusOpen: 1630,
  statusApplied: 1631,
  statusClosed: 1632,
  statusDraft: 1633,
  label: 1985,
  relayList: 10_002,
  graspList: 10_317,
  /** NIP-42: who is at the other end of a connection. */
  relayAuth: 22_242,
  /** NIP-98: who sends an HTTP request. */
  httpAuth: 27_235,
  /** NIP-78. Cairn attests the keys of its receipts with it. */
  applicationData: 30_078,
  /** NIP-34 repository announcement. */
  repository: 30_617,
  /** NIP-34 repository state. */
  repositoryState: 30_618,
} as const;

/**
 * Why a relay for repositories would keep an event of a kind:
 * - `repository`: it creates or changes a repository here
 * - `discussion`: it belongs to a repository here when it refers to one, or to something that does
 * - `author`: it says something about a key that has a repository here
 * - `anyone`: GRASP wants it of everybody who may write events here
 * - `deletion`: it takes back what its author published
 * - `none`: the kind is no reason to keep it
 */
export type KindRole = 'repository' | 'discussion' | 'author' | 'anyone' | 'deletion' | 'none';

const roles: ReadonlyMap<number, KindRole> = new Map<number, KindRole>([
  [kinds.repository, 'repository'],
  [kinds.repositoryState, 'repository'],
  [kinds.patch, 'discussion'],
  [kinds.pullRequest, 'discussion'],
  [kinds.pullRequestUpdate, 'discussion'],
  [kinds.issue, 'discussion'],
  [kinds.coverNote, 'discussion'],
  [kinds.statusOpen, 'discussion'],
  [kinds.statusApplied, 'discussion'],
  [kinds.statusClosed, 'discussion'],
  [kinds.statusDraft, 'discussion'],
  [kinds.comment, 'discussion'],
  [kinds.label, 'discussion'],
  [kinds.profile, 'author'],
  [kinds.relayList, 'author'],
  [kinds.graspList, 'anyone'],
  [kinds.deletion, 'deletion'],
]);

export function roleOfKind(kind: number): KindRole {
  return roles.get(kind) ?? 'none';
}
