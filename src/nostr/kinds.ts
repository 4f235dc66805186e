/** The event kinds that matter to git hosting (NIP-34 and those it depends on), by name. */
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
  /** The replies of NIP-34 before it used comments. */
  oldReply: 1622,
  coverNote: 1624,
  statusOpen: 1630,
  statusApplied: 1631,
  statusClosed: 1632,
  statusDraft: 1633,
  label: 1985,
  /** Draft NIP-C1 (continuous integration): a maintainer asks for one run. */
  ciManualTrigger: 9840,
  /** NIP-C1: the result of a job. */
  ciJobResult: 9841,
  /** NIP-C1: the result of a run. */
  ciWorkflowResult: 9842,
  /** NIP-C1: a maintainer asks a coordinator to run what is pushed. */
  ciServiceRequest: 9843,
  /** NIP-C1: a maintainer takes that back. */
  ciServiceStop: 9844,
  relayList: 10_002,
  graspList: 10_317,
  /** NIP-42: authenticates the client of a connection. */
  relayAuth: 22_242,
  /** NIP-98: authenticates the sender of an HTTP request. */
  httpAuth: 27_235,
  /** NIP-78. With it Cairn attests the keys of its receipts. */
  applicationData: 30_078,
  /** NIP-34 repository announcement. */
  repository: 30_617,
  /** NIP-34 repository state. */
  repositoryState: 30_618,
  /** NIP-C1: a run that is queued, under way, or just over. */
  ciWorkflowProgress: 39_842,
} as const;

/**
 * Why a relay for repositories keeps events of a kind:
 * - `repository`: it creates or changes a repository here
 * - `discussion`: it refers to a repository here, or to an event that does
 * - `author`: it describes a key that has a repository here
 * - `anyone`: GRASP asks relays to keep it from everybody who may write events here
 * - `deletion`: it deletes events of its author
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
  [kinds.oldReply, 'discussion'],
  [kinds.label, 'discussion'],
  [kinds.ciManualTrigger, 'discussion'],
  [kinds.ciJobResult, 'discussion'],
  [kinds.ciWorkflowResult, 'discussion'],
  [kinds.ciServiceRequest, 'discussion'],
  [kinds.ciServiceStop, 'discussion'],
  [kinds.ciWorkflowProgress, 'discussion'],
  [kinds.profile, 'author'],
  [kinds.relayList, 'author'],
  [kinds.graspList, 'anyone'],
  [kinds.deletion, 'deletion'],
]);

export function roleOfKind(kind: number): KindRole {
  return roles.get(kind) ?? 'none';
}
