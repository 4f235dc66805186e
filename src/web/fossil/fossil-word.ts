/** The words that begin the pages of a Fossil repository, below its URL. Its clients ask for the URL itself and nothing below. */
export const FOSSIL_WORDS = [
  'artifact',
  'attachment',
  'checkin',
  'file',
  'forum',
  'raw',
  'technotes',
  'tickets',
  'timeline',
  'tree',
  'wiki',
] as const;

export type FossilWord = (typeof FOSSIL_WORDS)[number];
