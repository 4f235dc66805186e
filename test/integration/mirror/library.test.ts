/** A program that uses the packed package, compiled with its types, as somebody else would. */
import { expect, it } from 'vitest';
import { beside, mirrorRig, refsIn } from '../../helpers/mirror-rig.ts';
import { packedProgram } from '../../helpers/packed-package.ts';

const PROGRAM = `
import {
  countsOf, fetch, type HttpTransport, importInto, type MirrorObserver, type MirrorResult, plan, probe, silent, sync,
} from 'cairn/mirror';

const [source = '', target = '', store = ''] = process.argv.slice(2);
let bytes = 0;
const observer: MirrorObserver = { ...silent, relayed: (count: number) => { bytes += count; } };
const ends = { source: { address: source }, target: { address: target } };
const signal: AbortSignal = new AbortController().signal;

const probed = await probe({ source: { address: source } });
const planned: MirrorResult = await plan(ends);
const done = await sync({ ...ends, scope: { tags: true }, observer, signal });
const fetched = await fetch({ source: { address: source } });
const imported = await importInto({ source: { address: source }, store: \`file:\${store}\`, repository: \`\${'a'.repeat(64)}/tool\`, environment: {} });

let asked = 0;
const transport: HttpTransport = {
  send: async () => { asked += 1; throw new Error('no network here'); },
  [Symbol.asyncDispose]: async () => undefined,
};
const unreachable = await sync({ source: { address: 'https://example.invalid/x.git', connection: { transport } }, target: { address: target } });

console.log(JSON.stringify({
  refs: [...probed.refs.keys()], planned: planned.refs.map((ref) => ref.action), outcome: done.outcome, counts: countsOf(done.refs),
  relayed: bytes > 0, objects: fetched.objects, imported: imported.outcome, packs: imported.packs, asked, unreachable: unreachable.outcome,
}));
`;

it('a program compiles with the types of the packed tarball, and mirrors and imports with it', async () => {
  await using rig = await mirrorRig();
  await rig.author.commit('One', { file: '1\n' });
  await rig.author.run(['tag', 'v1']);
  await rig.author.run(['push', '--quiet', 'origin', 'main', 'v1']);
  const program = await packedProgram(beside(rig, 'program'), PROGRAM);

  const printed = await program([rig.sourceUrl, rig.targetUrl, beside(rig, 'store')]);

  expect(JSON.parse(printed)).toMatchObject({
    refs: ['refs/heads/main'],
    planned: ['create'],
    outcome: 'ok',
    counts: { applied: 2 },
    relayed: true,
    objects: 3,
    imported: 'ok',
    packs: 1,
    asked: 1,
    unreachable: 'transport',
  });
  expect(await refsIn(rig.target)).toBe(await refsIn(rig.source));
});
