import { describe, expect, it } from 'vitest';
import type { GitResult } from '../../../../src/git-process/result.ts';
import { uploadRefusal, withoutPaths } from '../../../../src/transfer/fetch/upload-refusal.ts';

function ended(stderr: string, how: Partial<GitResult> = {}): GitResult {
  return { exitCode: 128, signal: null, cancelled: false, stderr, ...how };
}

describe('git refused the request (issue 11, point 15)', () => {
  it.each([
    ['fatal: git upload-pack: ambiguous deepen-not: nosuch\n', 'ambiguous deepen-not: nosuch'],
    ['fatal: no commits selected for shallow requests\n', 'no commits selected for shallow requests'],
    ["fatal: filter 'sparse:oid' not supported\n", "filter 'sparse:oid' not supported"],
    ["error: something small\nfatal: invalid filter-spec 'x'\n", "invalid filter-spec 'x'"],
    ['fatal: upload-pack: not our ref d00d\n', 'not our ref d00d'],
    ['fatal: words of a newer version\n', 'words of a newer version'],
  ])('if it writes %j', (stderr, reason) => {
    expect(uploadRefusal(ended(stderr))).toBe(reason);
  });
});

describe('git failed (issue 11, point 15)', () => {
  it.each([
    ['by a signal', ended('fatal: no commits selected', { exitCode: null, signal: 'SIGSEGV' })],
    ['without a word', ended('')],
    ['with another exit code', ended('fatal: unexpected line', { exitCode: 1 })],
    ['over a damaged pack', ended('error: inflate: data stream error\nfatal: packed object d00d is corrupt')],
    ['over its child', ended('fatal: git upload-pack: git-pack-objects died with error.')],
    ['over its memory', ended('fatal: Out of memory, malloc failed (tried to allocate 8 bytes)')],
    ['over its repository', ended("fatal: not a git repository: '/srv/cache/x'")],
    ['over its disk', ended('fatal: unable to create temporary file: No space left on device')],
  ])('%s', (_how, result) => {
    expect(uploadRefusal(result)).toBeUndefined();
  });
});

it.each([
  ["unable to open '/srv/a b/c': no", 'unable to open …: no'],
  ['bad line in /srv/cache/x: junk', 'bad line in …: junk'],
  ['ambiguous deepen-not: refs/heads/x', 'ambiguous deepen-not: refs/heads/x'],
  ['file=/etc/passwd (/srv/x)', 'file=… (…)'],
])('%j is shown as %j', (text, told) => {
  expect(withoutPaths(text)).toBe(told);
});
