import { expect, it } from 'vitest';
import type { GitManifest } from '../../../../src/repository/git/git-manifest.ts';
import { repositoryId } from '../../../../src/repository/repository-id.ts';
import { CodeLinks } from '../../../../src/web/code/code-links.ts';
import { contextKey } from '../../../../src/web/code/frame.ts';
import { manifestOf } from '../../../helpers/repository-rig.ts';

const OWNER = 'a'.repeat(64);
const FILES = { mailmap: 'm1', signers: 's1' };

function key(parts: Partial<GitManifest>, files: { mailmap?: string; signers?: string } = FILES): string {
  const base = 'https://git.example.org';
  const manifest = manifestOf({ head: 'refs/heads/main', epoch: 'e1', ...parts });
  const links = new CodeLinks(base, repositoryId(OWNER, 'r'));
  const { mailmap, signers } = files;
  return JSON.stringify(contextKey({ base, links, name: 'r', manifest, owner: OWNER }, { mailmap, signers }));
}

it('a cached page stays valid after a push, and not after a change of its mailmap or signers, or after a removal of objects', () => {
  const at = (oid: string) => ({ refs: new Map([['refs/heads/main', oid.repeat(40)]]) });
  expect(key(at('1'))).toBe(key(at('2')));
  expect(key(at('1'))).not.toBe(key({ refs: new Map() }));
  expect(key(at('1'))).not.toBe(key(at('1'), { ...FILES, mailmap: 'm2' }));
  expect(key(at('1'))).not.toBe(key(at('1'), { mailmap: 'm1' }));
  expect(key(at('1'))).not.toBe(key(at('1'), { ...FILES, signers: 's2' }));
  expect(key(at('1'))).not.toBe(key({ ...at('1'), epoch: 'e2' }));
});
