import { expect, it } from 'vitest';
import { OPTIONS } from '../../../src/config/options.ts';
import { unknownVariables, unknownVariableWarning } from '../../../src/config/unknown-variables.ts';

it('settings and variables of other programs are not reported', () => {
  const settings = Object.fromEntries(OPTIONS.map(({ variable }) => [variable, 'x']));
  const others = {
    PATH: '/bin',
    AWS_REGION: 'x',
    CAIRN_TEST_S3_URL: 'x',
    CAIRN_GIT_TRACE2_EVENT: 'x',
    cairn_x: 'x',
  };
  expect(unknownVariables({ ...settings, ...others })).toEqual([]);
});

it('a misspelt setting is reported with the one that is meant (issue 11, point 24)', () => {
  expect(
    unknownVariables({ CAIRN_STOR: 's3://x', CAIRN_CACHE_SIZES: '1', CAIRN_FLAVOUR_OF_ICE: 'x' }),
  ).toEqual([
    { name: 'CAIRN_CACHE_SIZES', meant: 'CAIRN_CACHE_SIZE' },
    { name: 'CAIRN_FLAVOUR_OF_ICE' },
    { name: 'CAIRN_STOR', meant: 'CAIRN_STORE' },
  ]);
  expect(unknownVariableWarning({ name: 'CAIRN_STOR', meant: 'CAIRN_STORE' })).toBe(
    'CAIRN_STOR is not a setting of Cairn and has no effect; did you mean CAIRN_STORE?',
  );
});

it('the value of a reported variable is not shown: it may be a secret', () => {
  const [variable] = unknownVariables({ CAIRN_SERVICE_KEYS: 'nsec1secret' });
  expect(unknownVariableWarning(variable ?? { name: '' })).not.toContain('nsec1secret');
});
