/** Whether a repository of the stock program is whole, and says the same as another one. */
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { FossilClient } from './fossil.ts';

/** Tables that the program derives from artifacts. */
const DERIVED = ['event', 'mlink', 'plink', 'leaf', 'tagxref', 'attachment', 'ticket', 'forumpost'] as const;

/** How many rows each derived table has. */
export async function derivedCounts(client: FossilClient, repository: string): Promise<readonly string[]> {
  const counts = DERIVED.map((table) => `(SELECT count(*) FROM ${table})`).join(', ');
  const [row = ''] = await client.sql(repository, `SELECT ${counts}`);
  return row.split(/[|,]/).map((count, at) => `${DERIVED[at]} ${count.trim()}`);
}

/**
 * Checks that every artifact is what its name says, and that nothing is missing.
 * @param missing how many artifacts are named by others and were not sent
 */
export async function expectWhole(client: FossilClient, repository: string, missing = 0): Promise<void> {
  const { all } = await client.try(['test-integrity', repository]);
  expect(all).toMatch(/checked: +0 errors/);
  expect(all).toContain('integrity-check: ok');
  expect(await client.sql(repository, 'SELECT count(*) FROM phantom')).toEqual([`${missing}`]);
}

/**
 * Checks that a repository is whole, before and after it is rebuilt from its artifacts alone, and has the artifacts and the
 * derived rows of another one.
 */
export async function expectSame(
  one: { readonly client: FossilClient; readonly repository: string },
  other: { readonly client: FossilClient; readonly repository: string },
): Promise<void> {
  expect(await other.client.artifacts(other.repository)).toEqual(await one.client.artifacts(one.repository));
  const counts = await derivedCounts(one.client, one.repository);
  expect(await derivedCounts(other.client, other.repository)).toEqual(counts);
  await expectWhole(other.client, other.repository);
  const copy = join(other.client.folder, 'rebuilt.fossil');
  await cp(other.repository, copy);
  await other.client.run(['rebuild', copy]);
  expect(await derivedCounts(other.client, copy)).toEqual(counts);
}
