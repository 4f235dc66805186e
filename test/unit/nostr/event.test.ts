import { getEventHash, serializeEvent as serializeByNostrTools } from 'nostr-tools/pure';
import { describe, expect, test } from 'vitest';
import {
  defaultEventLimits,
  type EventLimits,
  encodeEvent,
  eventId,
  parseEvent,
  serializeEvent,
} from '../../../src/nostr/event.ts';
import { alice } from './authors.ts';

const event = alice.sign({ kind: 1621, tags: [['a', 'b', 'c'], ['x']], content: 'an issue' });
const limits: EventLimits = { maxTags: 3, maxTagElements: 4, maxContentBytes: 10, maxBytes: 20 };

describe('an event of a stranger', () => {
  test('is read as it was signed', () => {
    expect(parseEvent(JSON.parse(JSON.stringify(event)))).toEqual({ ok: true, value: event });
  });

  test('holds the seven fields, and nothing else that was sent', () => {
    const parsed = parseEvent({ ...event, verified: true, relay: 'wss://x' });
    expect(parsed).toEqual({ ok: true, value: event });
  });

  test('may be of the largest kind, of the epoch, and without tags and content', () => {
    expect(parseEvent({ ...event, kind: 65_535, created_at: 0, tags: [], content: '' }).ok).toBe(true);
  });

  const { sig: _sig, ...unsigned } = event;
  test.each<[string, unknown, string]>([
    ['null', null, 'JSON object'],
    ['an array', [event], 'JSON object'],
    ['a string', 'event', 'JSON object'],
    ['undefined', undefined, 'JSON object'],
    ['an empty object', {}, 'the id'],
    ['an id in upper case', { ...event, id: event.id.toUpperCase() }, 'the id'],
    ['a short id', { ...event, id: event.id.slice(1) }, 'the id'],
    ['an id with a line break', { ...event, id: `${event.id}\n` }, 'the id'],
    ['a numeric id', { ...event, id: 1 }, 'the id'],
    ['a pubkey in upper case', { ...event, pubkey: event.pubkey.toUpperCase() }, 'the pubkey'],
    ['a compressed pubkey', { ...event, pubkey: `02${event.pubkey}` }, 'the pubkey'],
    ['a list as pubkey', { ...event, pubkey: [event.pubkey] }, 'the pubkey'],
    ['no sig', unsigned, 'the sig'],
    ['a long sig', { ...event, sig: `${event.sig}00` }, 'the sig'],
    ['a kind that is no integer', { ...event, kind: 1.5 }, 'the kind'],
    ['a negative kind', { ...event, kind: -1 }, 'the kind'],
    ['a kind too large', { ...event, kind: 65_536 }, 'the kind'],
    ['a kind in a string', { ...event, kind: '1' }, 'the kind'],
    ['a fractional time', { ...event, created_at: 1.25 }, 'created_at'],
    ['a negative time', { ...event, created_at: -1 }, 'created_at'],
    ['a time beyond what is exact', { ...event, created_at: 2 ** 53 }, 'created_at'],
    ['a time in a string', { ...event, created_at: '1' }, 'created_at'],
    ['a time that is no number', { ...event, created_at: Number.NaN }, 'created_at'],
    ['content that is no string', { ...event, content: null }, 'the content is not a string'],
    ['content with half a surrogate pair', { ...event, content: '\ud83d' }, 'valid UTF-8'],
    ['tags that are no array', { ...event, tags: {} }, 'the tags are not'],
    ['a tag that is no array', { ...event, tags: ['d'] }, 'a tag is not'],
    ['an empty tag', { ...event, tags: [[]] }, 'a tag is not'],
    ['a tag with a number', { ...event, tags: [['d', 1]] }, 'a tag is not'],
    ['a tag with null', { ...event, tags: [['d', null]] }, 'a tag is not'],
    ['a tag with half a surrogate pair', { ...event, tags: [['d', 'x\udc00']] }, 'a tag is not valid UTF-8'],
  ])('%s is refused', (_what, value, reason) => {
    const parsed = parseEvent(value);
    expect(parsed.ok).toBe(false);
    if (!parsed.ok) expect(parsed.reason).toContain(reason);
  });

  test.each<[string, object, string | undefined]>([
    ['as many tags as allowed', { tags: [['a'], ['b'], ['c']] }, undefined],
    ['one tag more', { tags: [['a'], ['b'], ['c'], ['d']] }, 'more than 3 tags'],
    ['as many elements as allowed', { tags: [['a', 'b', 'c', 'd']] }, undefined],
    ['one element more', { tags: [['a', 'b', 'c', 'd', 'e']] }, 'more than 4 elements'],
    ['content as long as allowed', { tags: [], content: 'ééééé' }, undefined],
    ['content one byte longer', { tags: [], content: 'éééééx' }, 'longer than 10 bytes'],
    ['as many bytes as allowed', { tags: [['1234567890']], content: '1234567890' }, undefined],
    ['one byte more', { tags: [['12345678901']], content: '1234567890' }, 'larger than 20 bytes'],
    [
      'one byte more in many elements',
      { tags: [['1234567', 'é'], ['12']], content: '1234567890' },
      'larger than 20',
    ],
  ])('%s', (_what, fields, reason) => {
    const parsed = parseEvent({ ...event, tags: [], content: '', ...fields }, limits);
    expect(parsed.ok ? undefined : parsed.reason).toEqual(
      reason === undefined ? undefined : expect.stringContaining(reason),
    );
  });

  test('of ten thousand tags is refused', () => {
    const tags = Array.from({ length: 10_000 }, () => ['t', 'x']);
    expect(parseEvent({ ...event, tags })).toEqual({
      ok: false,
      reason: `there are more than ${defaultEventLimits.maxTags} tags`,
    });
  });
});

test('an event is sent without properties that were added in memory', () => {
  const marked = { ...event, seenOn: 'wss://x' };
  expect(JSON.parse(encodeEvent(marked))).toEqual(event);
});

describe('the id of an event', () => {
  const contents = [
    '',
    'plain',
    'line\nbreak\r\ttab "quoted" back\\slash',
    '\b\f\v\u0000\u0001\u001f\u007f\u0080',
    '\u2028\u2029 separators',
    'grüße 你好 \u{1f600}',
    '</script>',
    '\ufeff byte order mark',
    '\uffff',
  ];
  test.each(contents)('equals that of nostr-tools for %j', (content) => {
    const signed = alice.sign({ kind: 1, tags: [['t', content], [content]], content });
    expect(serializeEvent(signed)).toBe(
      serializeByNostrTools({ ...signed, tags: signed.tags as string[][] }),
    );
    expect(eventId(signed)).toBe(getEventHash({ ...signed, tags: signed.tags as string[][] }));
    expect(eventId(signed)).toBe(signed.id);
  });

  test('equals that of a published event', () => {
    // The one in the header of NIP-98's example, which names its tag otherwise than the text does.
    const example = {
      id: 'fe964e758903360f28d8424d092da8494ed207cba823110be3a57dfe4b578734',
      pubkey: '63fe6318dc58583cfe16810f86dd09e18bfd76aabc24a0081ce2856f330504ed',
      content: '',
      kind: 27235,
      created_at: 1682327852,
      tags: [
        ['url', 'https://api.snort.social/api/v1/n5sp/list'],
        ['method', 'GET'],
      ],
    };
    expect(eventId(example)).toBe(example.id);
  });
});
