import { beforeAll, describe, expect, it } from 'vitest';
import { encodePacket, flushPacket } from '../../src/git/index.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import { hosted } from '../helpers/hosted.ts';
import { bandsOf, fetchFrom, packetsOf, push, pushHead, send } from '../helpers/raw-git.ts';

describe('the protocol versions', () => {
  const cairn = hosted(async () => new MemoryObjectStore());
  let url: string;
  let tip: string;
  let tag: string;

  beforeAll(async () => {
    const place = await cairn.published();
    ({ url, tip } = place);
    await place.author.run(['tag', '--annotate', '-m', 'One', 'v1']);
    await place.author.run(['push', '--quiet', 'origin', 'v1']);
    tag = await place.author.oidOf('v1');
  });

  const refs = (service: string, version?: string) =>
    send(
      `${url}/info/refs?service=${service}`,
      version === undefined ? {} : { headers: { 'Git-Protocol': version } },
    );

  it('v0 lists all refs with capabilities on the first', async () => {
    const packets = packetsOf((await refs('git-upload-pack')).body);

    const [first = '', capabilities = ''] = packets[2]?.split('\0') ?? [];
    expect([...packets.slice(0, 2), first, ...packets.slice(3)]).toEqual([
      '# service=git-upload-pack',
      '(flush)',
      `${tip} HEAD`,
      `${tip} refs/heads/main`,
      `${tag} refs/tags/v1`,
      `${tip} refs/tags/v1^{}`,
      '(flush)',
    ]);
    expect(capabilities.split(' ')).toEqual(
      expect.arrayContaining([
        'multi_ack_detailed',
        'no-done',
        'side-band-64k',
        'thin-pack',
        'shallow',
        'deepen-since',
        'deepen-not',
        'filter',
        'allow-tip-sha1-in-want',
        'allow-reachable-sha1-in-want',
        'symref=HEAD:refs/heads/main',
        'object-format=sha1',
      ]),
    );
  });

  it('v1 equals v0 after one line', async () => {
    const v0 = packetsOf((await refs('git-upload-pack')).body);
    const v1 = packetsOf((await refs('git-upload-pack', 'version=1')).body);

    expect(v1).toEqual([...v0.slice(0, 2), 'version 1', ...v0.slice(2)]);
  });

  it('v2 lists its capabilities, and no refs', async () => {
    const packets = packetsOf((await refs('git-upload-pack', 'version=2')).body);

    expect(packets[0]).toBe('version 2');
    expect(packets).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^agent=cairn\/[0-9]/),
        expect.stringMatching(/^ls-refs=unborn$/),
        expect.stringMatching(/^fetch=.*shallow.*filter/),
        'object-format=sha1',
      ]),
    );
    expect(packets.join('\n')).not.toContain(tip);
  });

  it.each([
    { header: 'version=2:and-more', first: 'version 2' },
    { header: 'version=1:version=2', first: 'version 2' },
    { header: 'version=99', first: '# service=git-upload-pack' },
    { header: 'nonsense', first: '# service=git-upload-pack' },
  ])('a client that asks for "$header" gets $first', async ({ header, first }) => {
    expect(packetsOf((await refs('git-upload-pack', header)).body)[0]).toBe(first);
  });

  it('a push uses v0 in every case, and lists refs only', async () => {
    for (const version of [undefined, 'version=2']) {
      const packets = packetsOf((await refs('git-receive-pack', version)).body);
      const [first = '', capabilities = ''] = packets[2]?.split('\0') ?? [];
      expect([packets[0], first, ...packets.slice(3)]).toEqual([
        '# service=git-receive-pack',
        `${tip} refs/heads/main`,
        `${tag} refs/tags/v1`,
        '(flush)',
      ]);
      expect(capabilities.replace(/ agent=\S+$/, '').split(' ')).toEqual([
        'report-status',
        'report-status-v2',
        'delete-refs',
        'side-band-64k',
        'quiet',
        'atomic',
        'ofs-delta',
        'push-options',
        'object-format=sha1',
      ]);
    }
  });

  it('a client without capabilities gets a plain pack', async () => {
    const request = Buffer.concat([encodePacket(`want ${tip}\n`), flushPacket, encodePacket('done\n')]);

    const answer = await fetchFrom(url, request);

    expect(answer.body.subarray(0, 12).toString()).toBe('0008NAK\nPACK');
  });

  it('a client with the small side-band gets small packets', async () => {
    const request = Buffer.concat([
      encodePacket(`want ${tip} side-band no-progress\n`),
      flushPacket,
      encodePacket('done\n'),
    ]);

    const answer = await fetchFrom(url, request);

    expect(bandsOf(answer.body.subarray('0008NAK\n'.length)).data.subarray(0, 4).toString()).toBe('PACK');
  });

  it('a client without wants gets nothing', async () => {
    expect(await fetchFrom(url, flushPacket)).toMatchObject({ status: 200, text: '' });
    expect(await fetchFrom(url, flushPacket, { 'Git-Protocol': 'version=2' })).toMatchObject({
      status: 200,
      text: '',
    });
  });

  it('a client that requests no report gets none', async () => {
    const answer = await push(url, pushHead([{ name: 'refs/heads/never' }], { capabilities: '' }));

    expect(answer).toMatchObject({ status: 200, text: '' });
  });

  it('a client that sends its agent, session and options is served normally', async () => {
    const head = pushHead([{ name: 'refs/heads/never' }], {
      capabilities: 'report-status-v2 object-format=sha1 agent=git/9.9 session-id=abc push-options',
      pushOptions: ['one', 'two'],
    });

    expect(packetsOf((await push(url, head)).body)).toEqual(['unpack ok', 'ok refs/heads/never', '(flush)']);
  });

  it('v2 accepts server options', async () => {
    const { user } = await cairn.place();
    const reader = user.with('protocol.version=2');

    expect(await reader.run(['ls-remote', '--server-option=hello', url, 'main'])).toContain(tip);
  });

  it('a client of the dumb protocol is refused as too old', async () => {
    for (const path of ['info/refs', 'HEAD', 'objects/info/packs']) {
      const answer = await send(`${url}/${path}`);
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.text).toContain('smart HTTP');
    }
  });
});
