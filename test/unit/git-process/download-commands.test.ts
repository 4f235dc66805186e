import { expect, it } from 'vitest';
import { archiveCommit } from '../../../src/git-process/download-commands.ts';
import { grepTree, listPaths } from '../../../src/git-process/search-commands.ts';

const OID = 'a'.repeat(40);
const grep = { context: 2, inFile: 5, caseMatters: false };

it.each(['', 'main', '-x', `${OID}x`, `--output=${OID}`, OID.slice(1), `${OID}\n`, OID.toUpperCase()])(
  '%j is refused: it is not an object id, so git does not get it as an argument',
  (oid) => {
    expect(() => archiveCommit('/r', '/o', oid, 'tar', 'x')).toThrow('not an object id');
    expect(() => grepTree('/r', oid, grep)).toThrow('not an object id');
    expect(() => listPaths('/r', oid)).toThrow('not an object id');
  },
);

it.each(['', '..', '.x', '-x', 'a/b', 'a b', 'ä', 'a\n', 'x'.repeat(201)])(
  '%j is refused as the folder name of an archive',
  (prefix) => expect(() => archiveCommit('/r', '/o', OID, 'tar', prefix)).toThrow('prefix'),
);

it('an archive is made without refs, and without programs for signatures', () => {
  const { args, config, variables } = archiveCommit('/r', '/o', OID, 'zip', 'a-1.0');
  expect(args).toEqual(['--format=zip', '--prefix=a-1.0/', OID]);
  expect(config?.map(([key, value]) => [key, value])).toEqual([
    ['gpg.program', '/bin/false'],
    ['gpg.openpgp.program', '/bin/false'],
    ['gpg.x509.program', '/bin/false'],
    ['gpg.ssh.program', '/bin/false'],
  ]);
  expect(variables).toMatchObject({ GIT_DIR: '/r', GIT_OBJECT_DIRECTORY: '/o', TZ: 'UTC' });
});
