import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { GitClient, run } from '../helpers/git-client.ts';
import { startR2, type TestBucket } from '../helpers/r2.ts';
import { send } from '../helpers/raw-git.ts';
import { MAIN, OWNER, repositoryUrl, spawnServer } from '../helpers/server.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

let folder: TempDir;
let bucket: TestBucket;

beforeAll(async () => {
  folder = await tempDir('cairn-offload');
  bucket = await startR2();
});

afterAll(async () => {
  await bucket.close();
  await folder[Symbol.asyncDispose]();
});

it('clones of a folded and bundled repository are sent to the bucket', async () => {
  const { accessKeyId, secretAccessKey } = bucket.credentials;
  const environment = {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    CAIRN_STORE: `s3://${bucket.bucket}/${bucket.prefix}`,
    CAIRN_S3_ENDPOINT: bucket.endpoint,
    CAIRN_S3_REGION: bucket.region,
    CAIRN_CACHE: join(folder.path, 'cache'),
  };
  const cairn = (...args: string[]) =>
    run(process.execPath, [MAIN, ...args], { env: { PATH: process.env['PATH'] ?? '', ...environment } });
  await using server = await spawnServer(['--offload', 'both', '--fold', 'off'], environment);
  const url = repositoryUrl(server, 'large');
  const user = new GitClient(folder.path);
  const author = await user.init('author');
  for (const name of ['One', 'Two']) {
    await author.commit(name, { data: randomBytes(100_000) });
    await author.run(['push', '--quiet', url, 'main']);
  }
  expect(await cairn('fold', `${OWNER}/large`)).toMatchObject({ exitCode: 0 });
  expect(await cairn('bundle', `${OWNER}/large`)).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/^bundled: 6 objects in \d+ bytes\n$/),
  });

  const copy = await user.with('fetch.uriProtocols=http').clone(url, 'copy');
  await copy.run(['fsck', '--strict']);
  expect(await copy.oidOf('HEAD')).toBe(await author.oidOf('main'));
  const metrics = await send(`${server.url}/metrics`);
  expect(metrics.text).toContain('cairn_fetch_answers_total{by="elsewhere"} 1');
});
