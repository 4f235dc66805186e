/** The same page of a repository on both servers. */
export interface PageUrls {
  readonly cairn: string;
  readonly reference: string;
}

/** A commit, and a file that it has. */
export interface PageTarget {
  readonly commit: string;
  readonly file: string;
}

/** The pages that are compared. Pages behind the id of a commit have never been asked for before. */
export const PAGE_KINDS = {
  tree: {
    cairn: ({ commit, file }) => `/tree/${commit}/${folderOf(file)}`,
    cgit: ({ commit, file }) => `/tree/${folderOf(file)}?id=${commit}`,
  },
  file: {
    cairn: ({ commit, file }) => `/file/${commit}/${file}`,
    cgit: ({ commit, file }) => `/tree/${file}?id=${commit}`,
  },
  commit: {
    cairn: ({ commit }) => `/commit/${commit}`,
    cgit: ({ commit }) => `/commit/?id=${commit}`,
  },
  log: {
    cairn: ({ commit }) => `/commits/${commit}`,
    cgit: ({ commit }) => `/log/?id=${commit}`,
  },
} satisfies Record<string, Record<'cairn' | 'cgit', (target: PageTarget) => string>>;

export type PageKind = keyof typeof PAGE_KINDS;

/**
 * The URLs of a repository's pages.
 * @param urls that git uses: `…/git/<owner>/<identifier>.git` on Cairn, `…/git/<identifier>.git` on the reference
 */
export function pagesOf(urls: PageUrls): PageUrls {
  return {
    cairn: urls.cairn.replace('/git/', '/').replace(/\.git$/, ''),
    reference: urls.reference.replace('/git/', '/cgit/'),
  };
}

function folderOf(file: string): string {
  return file.slice(0, file.lastIndexOf('/'));
}
