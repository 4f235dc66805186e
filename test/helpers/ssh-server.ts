/** A real `sshd` on the loopback interface, with keys made for it, for the user who runs the tests. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from './git-client.ts';

export interface SshServer extends AsyncDisposable {
  readonly port: number;
  readonly user: string;
  /** A `GIT_SSH_COMMAND` with the key of the user, which knows the key of the server. */
  readonly command: string;
  /** The same with a key that the server does not know. */
  readonly strangerCommand: string;
}

const SSHD = ['/usr/sbin/sshd', '/usr/local/sbin/sshd', '/usr/bin/sshd'].find((path) => existsSync(path));
const HAS_CLIENT = ['/usr/bin/ssh', '/usr/local/bin/ssh'].some((path) => existsSync(path));

/** Why there can be no server here; undefined if there can. */
export const noSsh: string | undefined =
  SSHD === undefined || !HAS_CLIENT
    ? 'OpenSSH is not installed (Debian: openssh-server and openssh-client)'
    : undefined;

/** Starts a server. Its keys are in a folder that must not be there yet. */
export async function startSshServer(folder: string): Promise<SshServer> {
  if (SSHD === undefined) throw new Error('there is no sshd');
  await mkdir(folder, { recursive: true });
  for (const name of ['host', 'user', 'stranger']) {
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)]);
  }
  // Started by root, sshd wants a folder that Debian makes when the machine starts.
  if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true });
  await writeFile(join(folder, 'authorized_keys'), await readFile(join(folder, 'user.pub')), { mode: 0o600 });
  const { port, stop } = await startSomewhere(SSHD, folder);
  const hostKey = await readFile(join(folder, 'host.pub'), 'utf8');
  await writeFile(join(folder, 'known_hosts'), `[127.0.0.1]:${port},[git.example]:${port} ${hostKey}`);
  const command = (key: string) =>
    [
      'ssh -F /dev/null -o IdentitiesOnly=yes',
      `-o UserKnownHostsFile=${join(folder, 'known_hosts')}`,
      `-i ${join(folder, key)}`,
    ].join(' ');
  return {
    port,
    user: userInfo().username,
    command: command('user'),
    strangerCommand: command('stranger'),
    [Symbol.asyncDispose]: stop,
  };
}

/** Starts sshd at a free port. Somebody else may take the port at the last moment, so this is tried again. */
async function startSomewhere(
  sshd: string,
  folder: string,
): Promise<{ readonly port: number; readonly stop: () => Promise<void> }> {
  const config = join(folder, 'sshd_config');
  let log = '';
  for (let tries = 0; tries < 10; tries++) {
    const port = await freePort();
    const lines = [
      `Port ${port}`,
      'ListenAddress 127.0.0.1',
      `HostKey ${join(folder, 'host')}`,
      `AuthorizedKeysFile ${join(folder, 'authorized_keys')}`,
      'PidFile none',
      'UsePAM no',
      'StrictModes no',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'PermitRootLogin prohibit-password',
      'AcceptEnv GIT_PROTOCOL',
    ];
    await writeFile(config, `${lines.join('\n')}\n`);
    const server = spawn(sshd, ['-D', '-e', '-f', config], { stdio: ['ignore', 'ignore', 'pipe'] });
    server.stderr.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
    const ended = once(server, 'close');
    const stop = async () => {
      server.kill();
      await ended;
    };
    if (await listens(port, () => server.exitCode === null)) return { port, stop };
    await stop();
  }
  throw new Error(`sshd does not run: ${log}`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Waits until somebody answers at a port. @returns false when the server has ended */
async function listens(port: number, runs: () => boolean): Promise<boolean> {
  for (let tries = 0; tries < 1_200 && runs(); tries++) {
    const socket = connect(port, '127.0.0.1');
    const answers = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    socket.destroy();
    if (answers) return runs();
    await sleep(50);
  }
  return false;
}
