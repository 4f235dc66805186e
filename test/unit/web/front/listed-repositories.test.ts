import { expect, it } from 'vitest';
import { runToEnd } from '../../../../src/lib/cooperative.ts';
import {
  ListedRepositories,
  type RepositoryQuestion,
} from '../../../../src/web/front/listed-repositories.ts';
import type { ListedRepository } from '../../../../src/web/front/listed-repository.ts';
import { decodePlace, encodePlace, SORTS } from '../../../../src/web/front/sorts.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';

const owners = ['a', 'b', 'c'].map((letter) => letter.repeat(64));
const words = ['stone', 'stones', 'cut', 'cute', 'c', 'wall'];

it('a search equals a full scan while repositories come and go', () => {
  const random = new SeededRandom(15);
  const pick = <T>(from: readonly T[]): T => random.pick(from);
  const made = (): ListedRepository => ({
    owner: pick(owners),
    identifier: `r${random.below(700)}`,
    at: random.below(50),
    pushed: random.below(50),
    name: `n${random.below(50)}`,
    words: [...new Set([pick(words), pick(words)])],
    topics: random.below(2) === 0 ? [] : [pick(words)],
  });
  const all = new Map<string, ListedRepository>();
  const key = ({ owner, identifier }: { owner: string; identifier: string }) => `${owner}/${identifier}`;
  for (let n = 0; n < 1_500; n++) {
    const listed = made();
    all.set(key(listed), listed);
  }
  const index = new ListedRepositories();
  runToEnd(index.fill([...all.values()]));
  for (let round = 0; round < 300; round++) {
    const listed = made();
    if (round % 3 === 0) {
      index.put(listed);
      all.set(key(listed), listed);
    } else if (round % 3 === 1) {
      index.delete(listed.owner, listed.identifier);
      all.delete(key(listed));
    } else {
      const known = index.get(listed.owner, listed.identifier);
      if (known !== undefined) index.setPushed(known, listed.pushed);
    }
    const question: RepositoryQuestion = {
      words: Array.from({ length: random.below(3) }, () => pick(words).slice(0, 1 + random.below(4))),
      ...(random.below(3) === 0 ? { owner: pick(owners) } : {}),
      ...(random.below(3) === 0 ? { topic: pick(words) } : {}),
      sort: pick(['newest', 'name', 'pushed'] as const),
      ...(random.below(2) === 0 ? { after: made() } : {}),
    };
    const { sort, after, owner, topic } = question;
    const expected = [...all.values()]
      .filter((one) => owner === undefined || one.owner === owner)
      .filter((one) => topic === undefined || one.topics.includes(topic))
      .filter((one) =>
        question.words.every((word) =>
          one.words.some((own) => (word.length < 2 ? own === word : own.startsWith(word))),
        ),
      )
      .filter((one) => after === undefined || SORTS[sort](one, after) > 0)
      .sort(SORTS[sort]);
    const found = [...index.matching(question)].filter((one) => one !== undefined);
    expect(found.map(key), JSON.stringify(question)).toEqual(expected.map(key));
  }
  expect(index.size).toBe(all.size);
});

it('a position in the list is written in a URL, and an invalid one is refused', () => {
  const place = { owner: 'a'.repeat(64), identifier: 'ü/"', at: 1, pushed: 2, name: 'n' };
  expect(decodePlace(encodePlace(place))).toEqual(place);
  for (const bad of ['', 'x', encodePlace(place).slice(3), Buffer.from('[1,2,3,4,5]').toString('base64url')])
    expect(decodePlace(bad)).toBeUndefined();
  expect(decodePlace('W'.repeat(1e6))).toBeUndefined();
});
