import { describe, expect, test } from 'vitest';
import { parseClientMessage } from '../../../src/nostr/client-message.ts';
import { alice } from './authors.ts';

const event = alice.sign({ kind: 1621, tags: [['t', 'x']], content: 'text' });
const read = (message: unknown) => parseClientMessage(JSON.stringify(message));

/** What a refused message is answered with, parsed; fails when it was not refused. */
function answer(text: string): unknown {
  const result = parseClientMessage(text);
  if (result.ok) throw new Error(`was taken: ${text}`);
  return JSON.parse(result.answer);
}

describe('a valid message', () => {
  test.each(['EVENT', 'AUTH'] as const)('%s', (type) => {
    expect(read([type, event])).toEqual({ ok: true, value: { type, event } });
    expect(read([type, event, 'more', 1])).toEqual({ ok: true, value: { type, event } });
  });

  test.each(['REQ', 'COUNT'] as const)('%s', (type) => {
    const result = read([type, 'sub', { kinds: [1] }, {}]);
    expect(result).toEqual({
      ok: true,
      value: {
        type,
        subscription: 'sub',
        filters: [{ kinds: new Set([1]), tags: new Map() }, { tags: new Map() }],
      },
    });
  });

  test('CLOSE is read', () => {
    expect(read(['CLOSE', 'x'])).toEqual({ ok: true, value: { type: 'CLOSE', subscription: 'x' } });
  });

  test('a subscription id has up to 64 characters of any kind', () => {
    for (const subscription of ['x'.repeat(64), ' ', '"\\\n', '\u{1f600}']) {
      expect(read(['CLOSE', subscription])).toEqual({ ok: true, value: { type: 'CLOSE', subscription } });
    }
  });
});

describe('an invalid message', () => {
  test.each<[string, string]>([
    ['nothing', ''],
    ['no JSON', '["EVENT"'],
    ['an object', '{"type":"EVENT"}'],
    ['a string', '"EVENT"'],
    ['null', 'null'],
    ['an empty array', '[]'],
    ['deep nesting', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
    ['lower case', '["event",{}]'],
    ['something of NIP-77', '["NEG-OPEN","x",{},"61"]'],
    ['no type', '[1,2,3]'],
    ['an EVENT without event', '["EVENT"]'],
    ['an EVENT without id', JSON.stringify(['EVENT', { ...event, id: undefined }])],
    ['an EVENT with an id of another type', JSON.stringify(['EVENT', { ...event, id: 7 }])],
    ['an EVENT with an overlong id', JSON.stringify(['EVENT', { ...event, id: 'a'.repeat(65) }])],
    ['a REQ without id', '["REQ"]'],
    ['a REQ with an empty id', '["REQ","",{}]'],
    ['a REQ with an overlong id', JSON.stringify(['REQ', 'x'.repeat(65), {}])],
    ['a REQ with a numeric id', '["REQ",1,{}]'],
    ['a CLOSE without id', '["CLOSE"]'],
    ['a CLOSE with null', '["CLOSE",null]'],
  ])('%s gets a NOTICE', (_what, text) => {
    expect(answer(text)).toEqual(['NOTICE', expect.stringMatching(/^(invalid|unsupported): ./)]);
  });

  test.each<[string, unknown[], string]>([
    ['a bad signature', ['EVENT', { ...event, sig: 'x' }], event.id],
    ['a bad pubkey', ['AUTH', { ...event, pubkey: 'x' }], event.id],
    ['an id in upper case', ['EVENT', { ...event, id: event.id.toUpperCase() }], event.id.toUpperCase()],
    ['nothing but an id', ['EVENT', { id: event.id }], event.id],
  ])('an event with %s gets an OK false for its id', (_what, message, id) => {
    expect(answer(JSON.stringify(message))).toEqual(['OK', id, false, expect.stringMatching(/^invalid: ./)]);
  });

  test.each<[string, unknown[], RegExp]>([
    ['no filter', ['REQ', 'sub'], /^invalid: REQ has no filter/],
    ['no filter to count by', ['COUNT', 'sub'], /^invalid: COUNT has no filter/],
    ['a filter that is none', ['REQ', 'sub', 'x'], /^invalid: a filter is/],
    ['a bad second filter', ['REQ', 'sub', {}, { ids: ['x'] }], /^invalid: ids/],
    [
      'a condition nobody knows',
      ['REQ', 'sub', { search: 'x' }],
      /^unsupported: filter contains unknown elements$/,
    ],
    [
      'too many filters',
      ['COUNT', 'sub', ...Array.from({ length: 21 }, () => ({}))],
      /^invalid: more than 20/,
    ],
  ])('%s gets a CLOSED', (_what, message, reason) => {
    expect(answer(JSON.stringify(message))).toEqual(['CLOSED', 'sub', expect.stringMatching(reason)]);
  });
});
