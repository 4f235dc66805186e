import { expect, it } from 'vitest';
import { encodeBundleHeader } from '../../../../src/git/index.ts';

it('a SHA-1 bundle has version 2, and a SHA-256 bundle has version 3 and names its format', () => {
  const refs = [
    ['refs/heads/main', '1'.repeat(40)],
    ['HEAD', '1'.repeat(40)],
  ] as const;
  expect(encodeBundleHeader('sha1', refs).toString()).toBe(
    `# v2 git bundle\n${'1'.repeat(40)} refs/heads/main\n${'1'.repeat(40)} HEAD\n\n`,
  );
  expect(encodeBundleHeader('sha256', [['refs/heads/ü', '2'.repeat(64)]]).toString()).toBe(
    `# v3 git bundle\n@object-format=sha256\n${'2'.repeat(64)} refs/heads/ü\n\n`,
  );
});
