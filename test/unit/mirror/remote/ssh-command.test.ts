import { describe, expect, it } from 'vitest';
import { parseRemoteAddress, type SshAddress } from '../../../../src/mirror/remote/remote-address.ts';
import {
  quoted,
  type SshProgram,
  sshInvocation,
  sshProgramOf,
  variantTrial,
} from '../../../../src/mirror/remote/ssh-command.ts';

function ssh(address: string): SshAddress {
  const parsed = parseRemoteAddress(address);
  if (parsed.kind !== 'ssh') throw new Error('not an SSH address');
  return parsed;
}

function argsOf(program: Partial<SshProgram>, address: string, options = {}): readonly string[] {
  const whole = { command: 'ssh', isCommandLine: false, variant: 'ssh', ...program } as const;
  const wanted = { service: 'git-upload-pack', version: 0, mayAsk: true, ip: undefined, ...options } as const;
  return sshInvocation(whole, { address: ssh(address), ...wanted }).args;
}

describe('the SSH program', () => {
  it.each([
    [{}, {}, 'ssh', false, 'ssh'],
    [{ GIT_SSH: '/usr/bin/plink' }, {}, '/usr/bin/plink', false, 'plink'],
    [{ GIT_SSH: 'a' }, { sshCommand: 'ssh -v' }, 'ssh -v', true, 'ssh'],
    [
      { GIT_SSH_COMMAND: '"/opt/my ssh/ssh.exe" -x', GIT_SSH: 'a' },
      {},
      '"/opt/my ssh/ssh.exe" -x',
      true,
      'ssh',
    ],
    [{ GIT_SSH_COMMAND: '/opt/my\\ ssh/wrapper' }, {}, '/opt/my\\ ssh/wrapper', true, 'auto'],
    [{ GIT_SSH: 'wrapper', GIT_SSH_VARIANT: 'simple' }, { variant: 'ssh' }, 'wrapper', false, 'simple'],
    [{ GIT_SSH: 'ssh' }, { variant: 'putty' }, 'ssh', false, 'plink'],
    [
      { GIT_SSH: 'tortoiseplink.exe', GIT_SSH_VARIANT: 'unknown' },
      {},
      'tortoiseplink.exe',
      false,
      'tortoiseplink',
    ],
  ])('%j %j', (environment, config, command, isCommandLine, variant) => {
    expect(sshProgramOf(environment, config)).toEqual({ command, isCommandLine, variant });
  });
});

describe('the SSH arguments', () => {
  it('for OpenSSH have the version, the port, and -- before anything that could be an option', () => {
    const args = argsOf({}, 'ssh://me@host:2222/a%20b/r.git', { version: 2, mayAsk: false });
    expect(args).toEqual([
      '-o',
      'SendEnv=GIT_PROTOCOL',
      '-o',
      'BatchMode=yes',
      '-p',
      '2222',
      '--',
      'me@host',
      "git-upload-pack '/a b/r.git'",
    ]);
  });

  it('for plink, tortoiseplink, and programs without options', () => {
    expect(argsOf({ variant: 'plink' }, 'ssh://host:22/r', { version: 2 })).toEqual([
      '-P',
      '22',
      'host',
      "git-upload-pack '/r'",
    ]);
    expect(argsOf({ variant: 'tortoiseplink' }, 'host:r')).toEqual(['-batch', 'host', "git-upload-pack 'r'"]);
    expect(argsOf({ variant: 'simple' }, 'host:r')).toEqual(['host', "git-upload-pack 'r'"]);
    expect(() => argsOf({ variant: 'simple' }, 'ssh://host:22/r')).toThrow(/has no option for a port/);
    expect(() => argsOf({ variant: 'simple' }, 'host:r', { ip: '1.2.3.4' })).toThrow(/OpenSSH/);
  });

  it('for a command line that the shell completes', () => {
    const program = { command: 'ssh -v', isCommandLine: true, variant: 'ssh' } as const;
    const options = {
      address: ssh('host:r'),
      service: 'git-receive-pack',
      version: 2,
      mayAsk: true,
      ip: undefined,
    } as const;
    const { file, args, env } = sshInvocation(program, options);
    expect(file).toBe('sh');
    expect(args.slice(0, 3)).toEqual(['-c', 'ssh -v "$@"', 'ssh -v']);
    expect(env).toEqual({ GIT_PROTOCOL: 'version=2' });
    expect(variantTrial(program, ssh('ssh://host:22/r')).args.slice(3)).toEqual(['-G', '-p', '22', 'host']);
  });

  it('for home folders, which the remote expands', () => {
    expect(argsOf({}, 'ssh://host/~me/r.git').at(-1)).toBe("git-upload-pack '~me/r.git'");
    expect(argsOf({}, 'host:~/r.git').at(-1)).toBe("git-upload-pack '~/r.git'");
  });

  it.each([
    ["it's", "'it'\\''s'"],
    ['a b; $(rm) `x` "!"', "'a b; $(rm) `x` \"'\\!'\"'"],
  ])('%j is quoted as one word', (text, expected) => {
    expect(quoted(text)).toBe(expected);
  });

  it.each(['-oProxyCommand=x:r', 'ssh://-oProxyCommand=x/r', 'ssh://-x@host/r', '-x@host:r', 'host:-x'])(
    '%s is refused: it looks like an option',
    (address) => {
      expect(() => parseRemoteAddress(address)).toThrow();
    },
  );
});
