import { expect, it } from 'vitest';
import { WordIndex, wordsOf } from '../../../../src/web/front/word-index.ts';

it('items are found by the beginnings of words, and can be removed', () => {
  const index = new WordIndex<{ readonly name: string }>();
  const [a, b] = [{ name: 'a' }, { name: 'b' }];
  index.add('stone', a);
  index.add('stone', b);
  index.add('stones', b);
  index.add('c', a);
  index.add('cut', b);
  expect([...index.find('sto')]).toEqual([a, b]);
  expect([...index.find('stones')]).toEqual([b]);
  expect([...index.find('tone')]).toEqual([]);
  expect([...index.find('c')]).toEqual([a]);
  index.delete('stone', a);
  index.delete('stone', a);
  expect([...index.find('stone')]).toEqual([b]);
  index.delete('stone', b);
  index.delete('stones', a);
  expect([...index.find('st')]).toEqual([b]);
});

it('words are extracted from common forms of names', () => {
  expect(wordsOf('my-Project_x (über)  C++', 9)).toEqual(['my', 'project', 'x', 'über', 'c']);
  expect(wordsOf('gitHubClient', 9)).toEqual(['githubclient', 'hub', 'client']);
  expect(wordsOf('ﬁle', 9)).toEqual(['file']);
  expect(wordsOf('a b c d', 2)).toEqual(['a', 'b']);
  expect(wordsOf('x'.repeat(1_000_000), 9)).toEqual(['x'.repeat(24)]);
});
