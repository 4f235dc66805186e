import { describe, expect, it } from 'vitest';
import { type ObjectDescription, RefTable } from '../../../src/git/index.ts';
import { runToEnd } from '../../../src/lib/cooperative.ts';
import { decideRefUpdates, type PushFacts, type RefsAndHead } from '../../../src/policy/ref-rules.ts';

const zero = '0'.repeat(40);
const id = (digit: string) => digit.repeat(40);

/** `1 > 2` moves a ref, `> 2` makes one, `1 >` deletes one, `>` deletes one its sender does not know. */
function command(name: string, change: string, problem?: string) {
  const [from = '', to = ''] = change.split('>').map((part) => part.trim());
  const full = name.startsWith('refs/') ? name : `refs/heads/${name}`;
  const ids = { oldId: from === '' ? zero : id(from), newId: to === '' ? zero : id(to) };
  return { name: full, ...ids, ...(problem === undefined ? {} : { problem }) };
}

interface Case {
  readonly what: string;
  /** Branches and what they point at, as `name:digit`. The first one is HEAD's. */
  readonly refs?: readonly string[];
  readonly head?: string;
  readonly commands: readonly ReturnType<typeof command>[];
  readonly objects?: Readonly<Record<string, ObjectDescription>>;
  readonly atomic?: boolean;
  /** One a command: undefined for allowed, else words of the reason; a `!` in front when another state might allow it. */
  readonly expected: readonly (string | undefined)[];
}

const commit: ObjectDescription = { type: 'commit' };
const COMMITS = Object.fromEntries('123456789'.split('').map((digit) => [digit, commit]));

const CASES: readonly Case[] = [
  { what: 'makes a ref', commands: [command('a', '> 1')], expected: [undefined] },
  { what: 'moves a ref', refs: ['a:1'], commands: [command('a', '1 > 2')], expected: [undefined] },
  { what: 'deletes the last branch', refs: ['a:1'], commands: [command('a', '1 >')], expected: [undefined] },

  {
    what: 'makes no ref with a part that clients cannot keep as a file, and moves and deletes those of old',
    refs: ['a:1', `${'o'.repeat(251)}:1`, `${'p'.repeat(251)}:1`],
    commands: [
      command('b'.repeat(250), '> 1'),
      command('b'.repeat(251), '> 1'),
      command(`x/${'é'.repeat(125)}`, '> 1'),
      command(`x/${'é'.repeat(126)}/y`, '> 1'),
      command(`refs/tags/${'t'.repeat(400)}`, '> 1'),
      command('b/'.repeat(300).slice(0, -1), '> 1'),
      command('o'.repeat(251), '1 > 2'),
      command('p'.repeat(251), '1 >'),
    ],
    expected: [
      undefined,
      'no part of a ref name may be longer than 250 bytes',
      undefined,
      'no part of a ref name may be longer than 250 bytes',
      'no part of a ref name may be longer than 250 bytes',
      undefined,
      undefined,
      undefined,
    ],
  },
  {
    what: 'refuses to make one that exists with another value',
    refs: ['a:1'],
    commands: [command('a', '> 2')],
    expected: ['!it exists already, fetch first'],
  },
  {
    what: 'refuses to move one that has moved',
    refs: ['a:3'],
    commands: [command('a', '1 > 2')],
    expected: ['!it was updated meanwhile, fetch first'],
  },
  {
    what: 'refuses to move one that is gone',
    commands: [command('a', '1 > 2')],
    expected: ['!it was deleted meanwhile, fetch first'],
  },
  {
    what: 'refuses to delete one that has moved',
    refs: ['a:3'],
    commands: [command('a', '1 >')],
    expected: ['!it was updated meanwhile, fetch first'],
  },
  {
    what: 'refuses to delete one that exists and is unknown to the sender',
    refs: ['a:3'],
    commands: [command('a', '>')],
    expected: ['!fetch first'],
  },

  {
    what: 'allows what is so already: made',
    refs: ['a:2'],
    commands: [command('a', '> 2')],
    expected: [undefined],
  },
  {
    what: 'allows what is so already: moved',
    refs: ['a:2'],
    commands: [command('a', '1 > 2')],
    expected: [undefined],
  },
  { what: 'allows what is so already: deleted', commands: [command('a', '1 >')], expected: [undefined] },
  { what: 'allows what is so already: never there', commands: [command('a', '>')], expected: [undefined] },

  {
    what: 'keeps the problem a command came with, whatever else is true',
    refs: ['a:1'],
    commands: [command('a', '9 > 2', 'bad name')],
    expected: ['bad name'],
  },

  {
    what: 'refuses a tree, a blob, a tag as a branch',
    commands: [command('a', '> 1'), command('b', '> 2'), command('c', '> 3')],
    objects: { 1: { type: 'tree' }, 2: { type: 'blob' }, 3: { type: 'tag', peeled: id('4') } },
    expected: ['this is a tree', 'this is a blob', 'this is a tag'],
  },
  {
    what: 'takes anything as a tag or a note',
    commands: [command('refs/tags/a', '> 1'), command('refs/tags/b', '> 3'), command('refs/notes/c', '> 2')],
    objects: { 1: { type: 'tree' }, 2: { type: 'blob' }, 3: { type: 'tag', peeled: id('4') } },
    expected: [undefined, undefined, undefined],
  },
  {
    what: 'refuses an object that nobody has',
    commands: [command('refs/tags/a', '> 1')],
    objects: {},
    expected: ['missing necessary objects'],
  },
  {
    what: 'asks nothing of the object of a deletion',
    refs: ['main:1', 'a:2'],
    commands: [command('a', '2 >')],
    objects: {},
    expected: [undefined],
  },

  {
    what: "refuses to delete HEAD's branch while others remain",
    refs: ['main:1', 'a:2'],
    commands: [command('main', '1 >')],
    expected: ['!default branch'],
  },
  {
    what: "deletes HEAD's branch with all others",
    refs: ['main:1', 'a:2'],
    commands: [command('a', '2 >'), command('main', '1 >')],
    expected: [undefined, undefined],
  },
  {
    what: "keeps HEAD's branch when another of the push's deletions is refused",
    refs: ['main:1', 'a:2'],
    commands: [command('main', '1 >'), command('a', '9 >')],
    expected: ['!default branch', '!fetch first'],
  },
  {
    what: "keeps HEAD's branch when the push makes another",
    refs: ['main:1'],
    commands: [command('main', '1 >'), command('b', '> 2')],
    expected: ['!default branch', undefined],
  },
  {
    what: 'does not count tags as branches',
    refs: ['main:1', 'refs/tags/t:2'],
    commands: [command('main', '1 >')],
    expected: [undefined],
  },
  {
    what: 'lets a branch go that HEAD names but that is not there',
    refs: ['a:1', 'b:2'],
    head: 'refs/heads/main',
    commands: [command('main', '>'), command('a', '1 >')],
    expected: [undefined, undefined],
  },

  {
    what: 'refuses a ref below another',
    refs: ['a:1'],
    commands: [command('a/b', '> 2')],
    expected: ['!it cannot exist beside refs/heads/a'],
  },
  {
    what: 'refuses a ref above another',
    refs: ['a/b:1'],
    commands: [command('a', '> 2')],
    expected: ['!it cannot exist beside refs/heads/a/b'],
  },
  {
    what: 'refuses the second of two in one push that cannot be together',
    commands: [command('a', '> 1'), command('a/b', '> 2')],
    expected: [undefined, '!cannot exist beside refs/heads/a'],
  },
  {
    what: 'lets a deletion make room, whichever comes first',
    refs: ['main:1', 'a:2', 'b/c:3'],
    commands: [command('a/x', '> 4'), command('a', '2 >'), command('b/c', '3 >'), command('b', '> 5')],
    expected: [undefined, undefined, undefined, undefined],
  },
  {
    what: 'lets a refused deletion make no room',
    refs: ['main:1', 'a:2'],
    commands: [command('a', '9 >'), command('a/x', '> 4')],
    expected: ['!fetch first', '!cannot exist beside refs/heads/a'],
  },
  {
    what: 'lets names that only begin alike be',
    refs: ['a:1', 'a.b:2', 'ab:3'],
    commands: [command('a-b', '> 4'), command('a0', '> 5')],
    expected: [undefined, undefined],
  },

  {
    what: 'carries out what it can of a push that is not atomic',
    refs: ['a:3'],
    commands: [command('a', '1 > 2'), command('b', '> 4')],
    expected: ['!fetch first', undefined],
  },
  {
    what: 'refuses an atomic push whole',
    refs: ['a:3'],
    commands: [command('b', '> 4'), command('a', '1 > 2'), command('c', '> 5')],
    atomic: true,
    expected: ['!atomic push failure', '!fetch first', '!atomic push failure'],
  },
  {
    what: 'knows that no state will allow an atomic push with a bad command',
    commands: [command('b', '> 4'), command('a', '> 2', 'bad name')],
    atomic: true,
    expected: ['atomic push failure', 'bad name'],
  },
  {
    what: 'carries out an atomic push whole',
    refs: ['main:1'],
    commands: [command('main', '1 > 2'), command('b', '> 4')],
    atomic: true,
    expected: [undefined, undefined],
  },
];

const decide = (push: PushFacts, state: RefsAndHead) => runToEnd(decideRefUpdates(push, state));

describe('a push', () => {
  it.each(CASES)('$what', ({ refs = [], head, commands, objects = COMMITS, atomic = false, expected }) => {
    const entries = refs.map((entry) => {
      const at = entry.lastIndexOf(':');
      const name = entry.slice(0, at);
      return [name.startsWith('refs/') ? name : `refs/heads/${name}`, id(entry.slice(at + 1))] as const;
    });
    const state = { refs: new Map(entries), head: head ?? entries[0]?.[0] ?? 'refs/heads/main' };
    const known = new Map(Object.entries(objects).map(([digit, facts]) => [id(digit), facts]));
    const push: PushFacts = { commands, atomic, objects: known };
    const decided = decide(push, state);
    const { refs: veryMany } = RefTable.from('sha1', state.refs, new Map());
    expect(decide(push, { ...state, refs: veryMany })).toEqual(decided);
    expect(decided).toHaveLength(expected.length);
    for (const [at, words] of expected.entries()) {
      if (words === undefined) expect(decided[at]).toBeUndefined();
      else {
        expect(decided[at]?.reason).toContain(words.replace(/^!/, ''));
        expect(decided[at]?.byState, words).toBe(words.startsWith('!'));
      }
    }
  });

  it('is not judged by its objects before they have been inspected', () => {
    const push: PushFacts = { commands: [command('a', '> 1')], atomic: false, objects: undefined };
    expect(decide(push, { refs: new Map(), head: 'refs/heads/main' })).toEqual([undefined]);
  });
});
