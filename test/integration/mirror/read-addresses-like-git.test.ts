import { expect, it } from 'vitest';
import { isCairnError } from '../../../src/lib/errors.ts';
import { parseRemoteAddress, type RemoteAddress } from '../../../src/mirror/remote/remote-address.ts';
import { GitClient } from '../../helpers/git-client.ts';
import { SeededRandom } from '../../helpers/seeded-random.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

const HOSTS = ['host', 'a.Host_b', '[::1]', '[2001:db8::22]', 'h-1'];
const PARTS = ['r.git', 'a b', 'c#', 'q?x', '..', '%41', '100%25', '~me', 'x:y', 'ünï', '[z]', '@', "'"];

/** An address by chance, of the forms that git takes for SSH and folders. */
function anyAddress(random: SeededRandom): string {
  const path = Array.from({ length: 1 + random.below(3) }, () => random.pick(PARTS)).join('/');
  const user = random.pick(['', 'me@', 'mé@']);
  const host = random.pick(HOSTS);
  const port = random.pick(['', ':22', ':2222']);
  switch (random.below(5)) {
    case 0:
      return `file:///${path}`;
    case 1:
      return `${random.pick(['ssh', 'git+ssh'])}://${user}${host}${random.pick([port, port, ':'])}/${path}`;
    case 2:
      return `${user}${host}:${random.pick(['', '/'])}${path}`;
    case 3:
      return host.startsWith('[') ? `${user}${host}:${path}` : `${user}[${host}${port}]:${path}`;
    default:
      return host.startsWith('[') ? `${host}:/${path}` : `[${user}${host}${port}]:${path}`;
  }
}

/** What git reads from an address (`git fetch-pack --diag-url`). */
async function asGitReads(git: GitClient, address: string): Promise<Record<string, string>> {
  const output = await git.run(['fetch-pack', '--diag-url', address]);
  const facts = output.split('\n').map((line) => /^Diag: (\w+)=(.*)$/.exec(line) ?? []);
  return Object.fromEntries(facts.map(([, name = '', value = '']) => [name, value]));
}

function inWordsOfGit(address: RemoteAddress): Record<string, string> {
  if (address.kind === 'local') return { protocol: 'file', hostandport: '', path: address.path };
  if (address.kind !== 'ssh') throw new Error('no address of this test is one of HTTP');
  const { user, host, port, path } = address;
  const userandhost = user === undefined ? host : `${user}@${host}`;
  return { protocol: 'ssh', userandhost, port: port === undefined ? 'NONE' : String(port), path };
}

it('addresses of SSH and of folders are read as git reads them', async () => {
  await using folder = await tempDir();
  const git = await new GitClient(folder.path).init('any');
  const random = new SeededRandom(71);
  let read = 0;
  for (let round = 0; round < 80; round++) {
    const address = anyAddress(random);
    let parsed: RemoteAddress;
    try {
      parsed = parseRemoteAddress(address);
    } catch (error) {
      // What is refused here can lead nowhere else than git would go.
      if (isCairnError(error, 'invalid')) continue;
      throw error;
    }
    const { url: _url, ...facts } = await asGitReads(git, address);
    expect({ address, ...inWordsOfGit(parsed) }).toEqual({ address, ...facts });
    read += 1;
  }
  expect(read).toBeGreaterThan(60);
});
