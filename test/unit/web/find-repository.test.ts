import { expect, it } from 'vitest';
import type { GitRepository } from '../../../src/repository/git/git-repository.ts';
import type { Repositories } from '../../../src/repository/repositories.ts';
import { findFossil, findRepository } from '../../../src/web/find-repository.ts';
import { ID, manifestOf } from '../../helpers/repository-rig.ts';

const [READER, STRANGER] = ['b'.repeat(64), 'c'.repeat(64)];
const PUBLIC = manifestOf();
const SECRET = manifestOf({ policy: { ...PUBLIC.policy, private: true, readers: [READER] } });

/** Looks for a repository. @returns what was found, and how often the visitor was looked for */
async function find(manifest: typeof PUBLIC | undefined, reader: string | undefined) {
  let asked = 0;
  const resolve = async () => (manifest === undefined ? undefined : { manifest });
  const repositories = {
    get: () => ({ peek: async () => undefined, resolve }) as unknown as GitRepository,
  } as Pick<Repositories, 'get'>;
  const readerOf = async () => {
    asked++;
    return reader;
  };
  const found = await findRepository(repositories, ID, readerOf);
  // Fossil repositories are found in the same way.
  const fossil = await findFossil(repositories as never, ID, readerOf);
  expect(fossil?.isPublic).toBe(found?.isPublic);
  return { found, asked: asked / 2 };
}

it('every visitor finds a public repository without signing in', async () => {
  expect(await find(PUBLIC, STRANGER)).toMatchObject({ asked: 0, found: { isPublic: true } });
});

it('readers find a private repository', async () => {
  expect(await find(SECRET, READER)).toMatchObject({ asked: 1, found: { isPublic: false, reader: READER } });
  expect(await find(SECRET, ID.owner)).toMatchObject({ found: { isPublic: false, reader: ID.owner } });
});

it('other visitors find nothing, with the same requests for private and missing repositories', async () => {
  const withdrawn = manifestOf({ lifecycle: 'withdrawn' });
  for (const reader of [STRANGER, undefined]) {
    for (const manifest of [SECRET, undefined, withdrawn]) {
      expect(await find(manifest, reader)).toEqual({ asked: 1, found: undefined });
    }
  }
});

it('a recent read suffices for public repositories only', async () => {
  for (const [recent, asked] of [
    [PUBLIC, 0],
    [SECRET, 1],
    [manifestOf({ lifecycle: 'withdrawn' }), 1],
    [undefined, 1],
  ] as const) {
    let resolved = 0;
    const repository = {
      peek: async () => (recent === undefined ? undefined : { manifest: recent }),
      resolve: async () => {
        resolved++;
        return { manifest: PUBLIC };
      },
    } as unknown as GitRepository;
    const found = await findRepository({ get: () => repository }, ID, async () => undefined);
    expect([found?.published.manifest, resolved]).toEqual([PUBLIC, asked]);
  }
});
