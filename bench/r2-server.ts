/** The program `r2.ts` starts: miniflare with one bucket, until it is killed. */
import { Miniflare } from 'miniflare';

const [folder = '', bucket = '', accessKeyId = '', secretAccessKey = ''] = process.argv.slice(2);

const miniflare = new Miniflare({
  host: '127.0.0.1',
  port: 0,
  modules: true,
  script: 'export default { fetch: () => new Response("cairn bench") };',
  r2Buckets: { BUCKET: { id: bucket, s3Credentials: { accessKeyId, secretAccessKey } } },
  r2Persist: folder,
});
process.stdout.write(`ready at ${await miniflare.ready}\n`);
