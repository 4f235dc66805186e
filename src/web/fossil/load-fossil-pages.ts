import type { ListedFossilPage } from './fossil-page.ts';

/** Loads the pages of Fossil repositories when somebody first asks for one: a server starts without them. */
export async function loadFossilPages(): Promise<readonly ListedFossilPage[]> {
  return (await import('./fossil-page-list.ts')).FOSSIL_PAGES;
}
