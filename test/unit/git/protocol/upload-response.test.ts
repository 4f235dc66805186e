import { describe, expect, it } from 'vitest';
import { encodeSideband } from '../../../../src/git/protocol/sideband.ts';
import {
  beginUploadResponse,
  encodeUploadResponse,
  endUploadResponse,
  uploadResponseForm,
} from '../../../../src/git/protocol/upload-response.ts';

const form = (version: 0 | 1 | 2, ...words: string[]) =>
  uploadResponseForm(version, (word) => words.includes(word));

describe('the form of an answer', () => {
  it.each([
    [0, [], undefined],
    [1, ['side-band'], 995],
    [0, ['side-band', 'side-band-64k'], 65_515],
    [2, [], 65_515],
  ] as const)('in v%i, with %j', (version, words, sideband) => {
    expect(form(version, ...words)).toEqual({ version, sideband });
  });
});

describe('an answer', () => {
  it('begins and ends like that of upload-pack', () => {
    expect(beginUploadResponse(form(0)).toString()).toBe('0008NAK\n');
    expect(beginUploadResponse(form(1, 'side-band')).toString()).toBe('0008NAK\n');
    expect(beginUploadResponse(form(2)).toString()).toBe('000dpackfile\n');
    expect(endUploadResponse(form(0))).toHaveLength(0);
    expect(endUploadResponse(form(0, 'side-band')).toString()).toBe('0000');
    expect(endUploadResponse(form(2)).toString()).toBe('0000');
  });

  it.each([0, 1, 994, 995, 996, 65_514, 65_515, 65_516, 262_144])('carries %i bytes in packets', (size) => {
    const data = Buffer.alloc(size, 'data');
    for (const [words, capacity] of [
      [['side-band'], 995],
      [['side-band-64k'], 65_515],
    ] as const) {
      const packets = encodeUploadResponse(form(0, ...words), 1, data);
      expect(packets.equals(Buffer.concat(encodeSideband(1, data, capacity)))).toBe(true);
    }
  });

  it('has no room for texts without a side-band', () => {
    expect(encodeUploadResponse(form(0), 1, Buffer.from('PACK')).toString()).toBe('PACK');
    expect(encodeUploadResponse(form(0), 2, 'progress')).toHaveLength(0);
    expect(encodeUploadResponse(form(0), 3, 'broken')).toHaveLength(0);
    expect(encodeUploadResponse(form(2), 3, 'né\n').toString()).toBe('0009\x03né\n');
  });
});
