import { describe, expect, it } from 'vitest';
import { pageOf } from '../../../src/cli/open.ts';
import { formatNpub } from '../../../src/nostr/public-key.ts';

const HEX = 'a'.repeat(64);
const NPUB = formatNpub(HEX);
const SERVER = 'https://git.example.org';

describe('the page that cairn open leads to', () => {
  it.each([
    [`${SERVER}/${NPUB}/tool`, `/${NPUB}/tool`],
    [`${SERVER}/${NPUB}/tool.git`, `/${NPUB}/tool`],
    [`${SERVER}/git/${NPUB}/tool.git`, `/${NPUB}/tool`],
    [`${SERVER}/git/${HEX}/tool.git`, `/git/${HEX}/tool.git`],
    [`${SERVER}/${NPUB}/tool/tree/main/a%2Fb?x=1#L3`, `/${NPUB}/tool/tree/main/a%2Fb?x=1`],
    [`${SERVER}/fossil/${NPUB}/tool/timeline`, `/fossil/${NPUB}/tool/timeline`],
    [`https://user:secret@git.example.org/${NPUB}/tool`, `/${NPUB}/tool`],
  ])('of %s is %s', (url, path) => {
    expect(pageOf(url)).toEqual({ server: SERVER, path });
  });

  it('may be below a path, and is any page of the given server', () => {
    expect(pageOf(`${SERVER}/code/${NPUB}/tool`)).toEqual({
      server: `${SERVER}/code`,
      path: `/${NPUB}/tool`,
    });
    expect(pageOf(`${SERVER}/`, SERVER)).toEqual({ server: SERVER, path: '/' });
    expect(pageOf(`${SERVER}/?q=x`, SERVER)).toEqual({ server: SERVER, path: '/?q=x' });
  });

  it('does not exist for a string that is no URL, and for the URL of another site', () => {
    expect(pageOf(`${NPUB}/tool`)).toBeUndefined();
    expect(() => pageOf(`${SERVER}/about`)).toThrow('is not the URL of a repository');
    expect(() => pageOf('https://')).toThrow('is not the URL of a repository');
  });
});
