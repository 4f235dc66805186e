import { expect, it } from 'vitest';
import { CodeLinks } from '../../../../src/web/code/code-links.ts';
import type { CodeContext } from '../../../../src/web/code/frame.ts';
import { refSwitch } from '../../../../src/web/code/ref-switch.ts';

it('the lists of all branches and tags keep the place', () => {
  const links = new CodeLinks('https://git.example.org', { owner: '1'.repeat(64), identifier: 'p' });
  const some = { shown: [{ ref: 'refs/heads/main', name: 'main' }], count: 2 };
  // Nothing else of a context is needed.
  const context = { links, manifest: { head: 'refs/heads/main' }, choices: { branches: some, tags: some } };
  const path = [Buffer.from('a b'), Buffer.from([0xff])];
  const shown = (place: { word: 'file' | 'tree'; path: readonly Buffer[] }) =>
    String(
      refSwitch(context as unknown as CodeContext, { ...place, revision: 'main', ref: 'refs/heads/main' }),
    );
  for (const list of ['branches', 'tags']) {
    expect(shown({ word: 'file', path })).toContain(
      `href="${links.repository}/${list}?from=file%2Fa%2520b%2F%25FF">All 2 ${list}<`,
    );
    expect(shown({ word: 'tree', path: [] })).toContain(`href="${links.repository}/${list}">All 2 ${list}<`);
  }
});
