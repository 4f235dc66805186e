import { expect, test } from 'vitest';
import { Capabilities, parseCapabilities } from '../../../../src/git/protocol/capabilities.ts';

test('capabilities with and without values are found by name, repeated ones in order', () => {
  const text =
    'report-status symref=HEAD:refs/heads/a agent=git/2.39.5 symref=X:refs/heads/b= object-format=sha1';
  const capabilities = parseCapabilities(` ${text}  \n`);
  expect(capabilities.has('report-status')).toBe(true);
  expect(capabilities.has('report')).toBe(false);
  expect(capabilities.has('symref')).toBe(true);
  expect(capabilities.has('agent=git/2.39.5')).toBe(false);
  expect(capabilities.value('object-format')).toBe('sha1');
  expect(capabilities.value('report-status')).toBe('');
  expect(capabilities.value('atomic')).toBeUndefined();
  expect(capabilities.values('symref')).toEqual(['HEAD:refs/heads/a', 'X:refs/heads/b=']);
  expect(capabilities.toString()).toBe(text);
});

test('names of the object prototype are not capabilities', () => {
  for (const name of ['constructor', '__proto__', 'toString'])
    expect(parseCapabilities('a b').has(name)).toBe(false);
});

test('a capability of protocol v2 may contain spaces', () => {
  expect(new Capabilities(['server-option=a b', 'agent=x']).value('server-option')).toBe('a b');
});

test('an empty list has no capabilities', () => {
  expect(parseCapabilities('').toString()).toBe('');
  expect(parseCapabilities('').has('')).toBe(false);
});
