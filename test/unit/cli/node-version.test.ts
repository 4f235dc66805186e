import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { nodeVersionProblem } from '../../../src/cli/node-version.ts';

it.each(['20.5.0', '20.19.4', '21.0.0', '22.12.0', '100.0.0'])('Node.js %s is new enough', (version) => {
  expect(nodeVersionProblem(version)).toBeUndefined();
});

it.each(['18.20.4', '20.0.0', '20.4.9'])('Node.js %s is refused with the required version', (version) => {
  expect(nodeVersionProblem(version)).toBe(`Cairn needs Node.js 20.5 or newer, and this is ${version}`);
});

it('package.json requires the same version', () => {
  expect(JSON.parse(readFileSync('package.json', 'utf8'))).toMatchObject({ engines: { node: '>=20.5' } });
});
