import { describe, expect, it } from 'vitest';
import { sha256 } from '../../../src/lib/digest.ts';
import {
  artifactFileName,
  artifactKey,
  parsePointerKey,
  pointerKey,
  repositoriesPrefix,
  repositoryPrefix,
  tombstonesKey,
} from '../../../src/repository/keys.ts';
import { repositoryId } from '../../../src/repository/repository-id.ts';

const owner = 'a'.repeat(64);
const id = repositoryId(owner, 'a name/../of'.replaceAll('/', ' '));
const digest = sha256('x');
const base = `v1/repos/${owner}/${sha256(id.identifier)}/`;

describe('keys', () => {
  it('follow the bucket layout', () => {
    expect(repositoryPrefix(id)).toBe(base);
    expect(pointerKey(id)).toBe(`${base}pointer`);
    expect(tombstonesKey(id)).toBe(`${base}tombstones`);
    expect(artifactKey(id, { digest, kind: 'pack' })).toBe(`${base}artifacts/${digest}.pack`);
    expect(artifactKey(id, { digest, kind: 'json', n: 2 })).toBe(`${base}artifacts/${digest}-2.json`);
    expect(artifactFileName({ digest, kind: 'idx', n: 1 })).toBe(`${digest}-1.idx`);
    expect(repositoriesPrefix()).toBe('v1/repos/');
    expect(repositoriesPrefix(owner)).toBe(`v1/repos/${owner}/`);
  });

  it('contain only the digest of an identifier', () => {
    const hostile = repositoryId(owner, '%2e%2e%2f pointer');
    expect(pointerKey(hostile)).toMatch(/^v1\/repos\/[0-9a-f]{64}\/[0-9a-f]{64}\/pointer$/);
  });

  it('of pointers are parsed back', () => {
    const place = parsePointerKey(pointerKey(id));
    expect(place).toEqual({ owner, identifierDigest: id.identifierDigest });
    expect(place && pointerKey(place)).toBe(pointerKey(id));
  });

  it.each([
    tombstonesKey(id),
    artifactKey(id, { digest, kind: 'pack' }),
    `${pointerKey(id)}/more`,
    `v2/repos/${owner}/${digest}/pointer`,
    `v1/repos/${owner.toUpperCase()}/${digest}/pointer`,
    `v1/repos/${owner}/name/pointer`,
    'v1/repos/',
    'v1/repos/pointer',
    '',
  ])('like %j are not those of a pointer', (key) => {
    expect(parsePointerKey(key)).toBeUndefined();
  });
});
