import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { OTHER_KEY, writeCertificate } from '../helpers/certificate.ts';
import { GitClient } from '../helpers/git-client.ts';
import { repositoryUrl, spawnServer } from '../helpers/server.ts';
import { tempDir } from '../helpers/temp-dir.ts';

function storeFlags(folder: string): string[] {
  return ['--store', `file:${join(folder, 'data')}`, '--cache', join(folder, 'cache')];
}

it('a server with a certificate serves clone and push over HTTPS to clients that trust it, and to no others', async () => {
  await using folder = await tempDir();
  const { cert, key } = await writeCertificate(folder.path);
  await using server = await spawnServer([...storeFlags(folder.path), '--tls-cert', cert, '--tls-key', key]);
  expect(server.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
  const url = repositoryUrl(server, 'secure');
  const user = new GitClient(folder.path, [`http.sslCAInfo=${cert}`]);
  const work = await user.init('work');
  const commit = await work.commit('first', { 'large.txt': 'line\n'.repeat(500_000) });
  await work.run(['-c', `http.sslCAInfo=${cert}`, 'push', url, 'main']);
  expect(await user.run(['ls-remote', url, 'refs/heads/main'])).toBe(`${commit}\trefs/heads/main`);
  await user.clone(url, 'clone');

  const stranger = await new GitClient(folder.path).try(['ls-remote', url]);
  expect(stranger.exitCode).not.toBe(0);
  expect(stranger.stderr).toMatch(/certificate/);
});

it.each([
  ['a certificate that is none', 'cert', 'not a certificate'],
  ['a key that belongs to another certificate', 'key', OTHER_KEY],
] as const)(
  'a server with %s is refused, in one line that names both files',
  async (_what, which, content) => {
    await using folder = await tempDir();
    const files = await writeCertificate(folder.path);
    await writeFile(files[which], content);
    const starting = spawnServer([
      ...storeFlags(folder.path),
      '--tls-cert',
      files.cert,
      '--tls-key',
      files.key,
    ]);
    const refusal = await starting.then(
      () => 'it started',
      (error: Error) => error.message,
    );
    expect(refusal).toContain(`cairn: --tls-cert ${files.cert} with --tls-key ${files.key} cannot be used: `);
    expect(refusal).not.toMatch(/\n\s+at /);
  },
);
