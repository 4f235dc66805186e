import { expect, it } from 'vitest';
import { parseProjectNote } from '../../../src/fossil/project-note.ts';
import { writeStructuralArtifact } from '../../../src/fossil/structural-artifact.ts';

const DATE = 'D 2026-01-02T03:04:05.678\n';
const [ID, HASH] = ['a'.repeat(40), 'b'.repeat(64)];
const signed = { user: 'ann b', time: 1_767_323_045, instant: 1_767_323_045_678 };

it.each([
  [
    'a page',
    `${DATE}L A\\sb\nU ann\\sb\nW 2\nHi\n`,
    { is: 'wiki', title: 'A b', type: 'text/x-fossil-wiki', text: 'Hi' },
  ],
  [
    'a change of a ticket',
    `${DATE}J +title x\\sy\nK ${ID}\nU ann\\sb\n`,
    { is: 'ticket', ticket: ID, fields: [['+title', 'x y']] },
  ],
  [
    'an attachment',
    `A a\\sb.txt ${ID} ${HASH}\n${DATE}U ann\\sb\n`,
    { is: 'attachment', file: 'a b.txt', target: ID, source: HASH },
  ],
  [
    'what takes an attachment away',
    `A a Home\n${DATE}U ann\\sb\n`,
    { is: 'attachment', file: 'a', target: 'Home', source: undefined },
  ],
  [
    'a technote',
    `C Hi\n${DATE}E 2026-01-01T00:00:00 ${ID}\nN text/plain\nU ann\\sb\nW 1\nx\n`,
    { is: 'technote', technote: ID, at: 1_767_225_600, comment: 'Hi', type: 'text/plain', text: 'x' },
  ],
  [
    'the first post of a thread',
    `${DATE}H Hi\\sall\nU ann\\sb\nW 1\nx\n`,
    {
      is: 'forum',
      thread: undefined,
      title: 'Hi all',
      answers: undefined,
      replaces: undefined,
      type: 'text/x-fossil-wiki',
      text: 'x',
    },
  ],
  [
    'a version of an answer',
    `${DATE}G ${HASH}\nI ${HASH}\nN text/plain\nP ${HASH}\nU ann\\sb\nW 0\n\n`,
    {
      is: 'forum',
      thread: HASH,
      title: undefined,
      answers: HASH,
      replaces: HASH,
      type: 'text/plain',
      text: '',
    },
  ],
])('%s is read', (_, cards, expected) => {
  expect(parseProjectNote(writeStructuralArtifact(cards))).toEqual({ ...expected, ...signed });
});

it.each([
  ['without a date', 'L A\nU ann\nW 2\nHi\n'],
  ['with a wrong date', 'D yesterday\nL A\nU ann\nW 2\nHi\n'],
  ['a page without a text', `${DATE}L A\nU ann\n`],
  ['a ticket with a wrong name', `${DATE}J a b\nK x\nU ann\n`],
  ['a technote without a name', `C Hi\n${DATE}E 2026-01-01T00:00:00\nU ann\nW 1\nx\n`],
  ['an attachment to nothing', `A a\n${DATE}U ann\n`],
  ['an attachment of a wrong name', `A a Home xyz\n${DATE}U ann\n`],
  ['a post without a text', `${DATE}H Hi\nU ann\n`],
  ['a check-in', `C Hi\n${DATE}R ${'0'.repeat(32)}\nU ann\n`],
])('%s is none of that', (_, cards) => {
  expect(parseProjectNote(writeStructuralArtifact(cards))).toBeUndefined();
});
