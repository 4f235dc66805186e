/** Entries of a folder on a page. */
export const SHOWN_ENTRIES = 1_000;
