import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { gitEnvironment } from '../../../src/git-process/environment.ts';
import { Git } from '../../../src/git-process/git.ts';
import { run } from '../../helpers/git-client.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

const SECRETS = {
  AWS_SECRET_ACCESS_KEY: 'a secret',
  CAIRN_STORE: 's3://bucket',
  GIT_DIR: '/somewhere',
  GIT_TRACE: '1',
  GIT_CONFIG_PARAMETERS: "'core.hooksPath=/evil'",
  GIT_SSH_COMMAND: 'evil',
  GIT_EXTERNAL_DIFF: 'evil',
  LD_PRELOAD_LIKE: 'evil',
  HTTPS_PROXY: 'http://proxy',
};

describe('the environment of git', () => {
  beforeEach(() => {
    Object.assign(process.env, SECRETS);
  });

  afterEach(() => {
    for (const name of Object.keys(SECRETS)) delete process.env[name];
  });

  it('takes only the search path from the server’s environment', () => {
    const environment = gitEnvironment({ home: '/home-of-nobody' });
    expect(environment['PATH']).toBe(process.env['PATH']);
    for (const [name, value] of Object.entries(environment)) {
      if (name !== 'PATH') expect(SECRETS).not.toHaveProperty(name);
      expect(value).not.toContain('evil');
    }
    expect(environment).toMatchObject({
      HOME: '/home-of-nobody',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_TERMINAL_PROMPT: '0',
      GIT_NO_LAZY_FETCH: '1',
    });
  });

  it('reaches the process unchanged', async () => {
    await using folder = await tempDir();
    const git = new Git({ binary: 'env', home: folder.path });
    // `env --null` prints what it was given.
    const { stdout } = await git.run({ name: '--null', args: [], variables: { GIT_PROTOCOL: 'version=2' } });
    const names = stdout
      .toString()
      .split('\0')
      .map((line) => line.slice(0, line.indexOf('=')));
    const expected = Object.keys(gitEnvironment({ home: folder.path, variables: { GIT_PROTOCOL: '' } }));
    expect(names.filter((name) => name !== '').sort()).toEqual(expected.sort());
  });

  it('sets the variables for every git process, and those of the command', async () => {
    await using folder = await tempDir();
    const environment = gitEnvironment({ home: folder.path, config: [['uploadpack.allowFilter', 'true']] });
    const get = async (key: string) =>
      (await run('git', ['config', '--get', key], { cwd: folder.path, env: environment })).stdout.trim();
    expect(await get('core.hooksPath')).toBe('/dev/null');
    expect(await get('protocol.allow')).toBe('never');
    expect(await get('gc.auto')).toBe('0');
    expect(await get('uploadpack.allowFilter')).toBe('true');
  });
});
