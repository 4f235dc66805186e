import { expect } from 'vitest';
import type { GitClient } from './git-client.ts';

/** Clones everything, has git check all of it, and returns the clone. */
export async function cloneWhole(user: GitClient, url: string, name: string): Promise<GitClient> {
  const copy = await user.clone(url, name, '--mirror');
  expect(await copy.run(['fsck', '--full', '--strict'])).toBe('');
  return copy;
}
