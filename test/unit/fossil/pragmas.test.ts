import { describe, expect, it } from 'vitest';
import { parseArtifactName } from '../../../src/fossil/artifact-name.ts';
import { type Pragma, parsePragma, pragmaCard } from '../../../src/fossil/pragmas.ts';
import { readCards } from '../../../src/fossil/read-cards.ts';
import { writeCards } from '../../../src/fossil/write-cards.ts';

const parent = parseArtifactName('a'.repeat(64)) ?? fail();

/** Every pragma, and exactly how it travels. */
const WIRE: readonly (readonly [Pragma, string])[] = [
  [
    { pragma: 'client-version', version: 22_100, date: '20230226', time: '192424' },
    'client-version 22100 20230226 192424',
  ],
  [
    { pragma: 'server-version', version: 22_600, date: '20250101', time: '0' },
    'server-version 22600 20250101 0',
  ],
  [{ pragma: 'send-private' }, 'send-private'],
  [{ pragma: 'send-catalog' }, 'send-catalog'],
  [{ pragma: 'uv-hash', hash: 'b'.repeat(40) }, `uv-hash ${'b'.repeat(40)}`],
  [{ pragma: 'uv-push-ok' }, 'uv-push-ok'],
  [{ pragma: 'uv-pull-only' }, 'uv-pull-only'],
  [{ pragma: 'ci-lock', parent, client: 'c1' }, `ci-lock ${parent} c1`],
  [{ pragma: 'ci-lock-fail', login: 'a b', time: 5 }, 'ci-lock-fail a\\sb 5'],
  [{ pragma: 'ci-lock-fail', login: '', time: 5 }, 'ci-lock-fail 5'],
  [{ pragma: 'ci-unlock', client: 'c1' }, 'ci-unlock c1'],
  [{ pragma: 'avoid-delta-manifests' }, 'avoid-delta-manifests'],
  [{ pragma: 'req-clusters' }, 'req-clusters'],
  [{ pragma: 'client-url', url: 'http://a.example/b' }, 'client-url http://a.example/b'],
  [{ pragma: 'req-links' }, 'req-links'],
  [
    { pragma: 'link', url: 'http://a.example', about: 'peer-sync/1', time: 7 },
    'link http://a.example peer-sync/1 7',
  ],
];

describe('a pragma', () => {
  it.each(WIRE)('is written and read back: %j', (pragma, text) => {
    expect(writeCards([pragmaCard(pragma)]).toString()).toBe(`pragma ${text}\n`);
    expect(parsed(text)).toEqual(pragma);
  });

  it.each([
    'frob',
    'uv-hash',
    'ci-lock',
    'ci-lock x c',
    `ci-lock ${parent}`,
    'ci-lock-fail',
    'ci-lock-fail a b 5',
    'ci-unlock',
    'link a b c',
  ])('with the text %j is ignored', (text) => {
    expect(parsed(text)).toBeUndefined();
  });

  it('with a version that is not a number has version 0', () => {
    expect(parsed('client-version')).toEqual({ pragma: 'client-version', version: 0, date: '', time: '' });
  });
});

function parsed(text: string): Pragma | undefined {
  const card = readCards(Buffer.from(`pragma ${text}\n`)).next();
  return card?.card === 'pragma' ? parsePragma(card) : undefined;
}

function fail(): never {
  throw new Error('no name');
}
