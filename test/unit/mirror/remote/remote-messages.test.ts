import { expect, it } from 'vitest';
import { isProgress, RemoteMessages } from '../../../../src/mirror/remote/remote-messages.ts';

it.each([
  'Counting objects: 100% (12/12), done.',
  'remote: Compressing objects:  50% (1/2)',
  'Enumerating objects: 7, done.',
  'Resolving deltas: 100% (3/3), 1.00 MiB | 2.00 MiB/s, done.',
  'Total 7 (delta 0), reused 0 (delta 0), pack-reused 0',
  'Processing changes: refs: 1, done    ',
])('%j is progress', (line) => {
  expect(isProgress(line)).toBe(true);
});

it.each([
  'error: GH001: Large files detected.',
  'remote: error: 50% of it',
  'Note: 12 files'.replace(' 12', ' x'),
])('%j is not', (line) => {
  expect(isProgress(line)).toBe(false);
});

it('what a remote says is kept line by line, however it is cut, without progress and control characters', () => {
  const messages = new RemoteMessages();
  const text =
    'Resolving deltas:  50% (1/2)\rResolving deltas: 100% (2/2), done.\nerror: \u001b[31mtoo big\u001b[0m\r\nsee docs\nlast';
  for (const character of text) messages.add(character);
  expect(messages.lines).toEqual(['error: too big', 'see docs', 'last']);
});

it('only the last lines are kept, the same one once, and no line without an end', () => {
  const messages = new RemoteMessages();
  for (let line = 0; line < 1_000; line++) messages.add(`line ${line}\nline ${line}\n`);
  expect(messages.lines).toEqual(Array.from({ length: 20 }, (_, at) => `line ${980 + at}`));
  messages.add('x'.repeat(1_000_000));
  expect(messages.lines.join('').length).toBeLessThan(5_000);
});
