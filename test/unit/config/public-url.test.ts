import { expect, it } from 'vitest';
import { readSettings } from '../../../src/config/settings.ts';

it.each([
  ['https://git.example.org', 'https://git.example.org'],
  ['https://git.example.org/', 'https://git.example.org'],
  ['HTTPS://Git.Example.org:443', 'https://git.example.org'],
  ['http://127.0.0.1:8080', 'http://127.0.0.1:8080'],
  ['http://[::1]:8080/', 'http://[::1]:8080'],
])('--public-url %s is %s (issue 11, point 24)', (given, expected) => {
  expect(readSettings({ 'public-url': given }, {}).publicUrl).toBe(expected);
});

it.each([
  'git.example.org',
  'ftp://git.example.org',
  'https://',
  'https://git.example.org:99999',
  'https://git example.org',
  'https://[::1',
  'https://%',
  'https://git.example.org/path',
  'https://git.example.org?',
  'https://git.example.org/#',
  'https://git.example.org?x=1',
  'https://alice@git.example.org',
  'https://:secret@git.example.org',
  'https://git.example.org\\path',
])('--public-url %s is refused with the name of the setting (issue 11, point 24)', (given) => {
  expect(() => readSettings({ 'public-url': given }, {})).toThrow(/--public-url is ".*": expected/);
});

it.each(['s3-endpoint', 'offload-endpoint'] as const)('--%s is checked as a URL as well', (name) => {
  const flags = { store: 's3://bucket', offload: 'both', [name]: 'https://%' };
  expect(() => readSettings(flags, {})).toThrow(`--${name} is "https://%": expected http://… or https://…`);
});
