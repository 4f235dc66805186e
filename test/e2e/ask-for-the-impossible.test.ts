import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { delimiterPacket, flushPacket } from '../../src/git/index.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import type { GitClient } from '../helpers/git-client.ts';
import { hosted, type Place } from '../helpers/hosted.ts';
import { absentId, fetchFrom, packetsOf, type RawAnswer } from '../helpers/raw-git.ts';
import { lines } from '../helpers/upload-requests.ts';

type Version = 0 | 1 | 2;
const VERSIONS: readonly Version[] = [0, 1, 2];
const CAPABILITIES = 'side-band-64k ofs-delta shallow filter deepen-since deepen-not deepen-relative';

function versionHeader(version: Version): Record<string, string> {
  return version === 0 ? {} : { 'Git-Protocol': `version=${version}` };
}

/** A fetch of `want` that says some more, in the form of one version. */
function fetchRequest(version: Version, want: string, more: readonly string[], capabilities = ''): Buffer {
  if (version !== 2) {
    const first = `want ${want} ${CAPABILITIES} ${capabilities}`.trim();
    return Buffer.concat([lines(first, ...more), flushPacket, lines('done')]);
  }
  const said = capabilities === '' ? [] : [capabilities];
  return Buffer.concat([
    lines('command=fetch', ...said),
    delimiterPacket,
    lines(`want ${want}`, ...more, 'done'),
    flushPacket,
  ]);
}

/** The last packet of an answer whose packets are whole, its flush left out. */
function lastWords(answer: RawAnswer): string | undefined {
  return packetsOf(answer.body).findLast((packet) => packet !== '(flush)');
}

describe('a request that git refuses is a client’s mistake, not a fault of the server (issue 11, point 15)', () => {
  const log: string[] = [];
  const cairn = hosted(async () => new MemoryObjectStore(), { onLog: (line) => void log.push(line) });
  let here: Place & { readonly author: GitClient; readonly tip: string };
  const ids: Record<string, string> = {};

  beforeAll(async () => {
    here = await cairn.published();
    ids['tip'] = here.tip;
    ids['tree'] = await here.author.run(['rev-parse', 'HEAD^{tree}']);
    ids['blob'] = await here.author.run(['rev-parse', 'HEAD:README']);
    ids['absent'] = absentId();
    await here.author.run(['tag', '--annotate', '-m', 'one', 'one', 'HEAD']);
    await here.author.run(['push', '--quiet', 'origin', 'one']);
    ids['tag'] = await here.author.oidOf('one');
  });
  afterEach(async () => {
    // A server that takes mistakes for trouble counts them, and somebody is woken up.
    const metrics = await (await fetch(`${cairn.app.url}/metrics`)).text();
    expect(metrics).not.toMatch(/^cairn_http_requests_total\{.*status="5..".*\} [1-9]/m);
    expect(log.filter((line) => JSON.parse(line).level >= 40)).toEqual([]);
  });

  it.each<{ what: string; more: readonly string[]; reason: string; want?: string }>([
    { what: 'a ref to stop at that is not here', more: ['deepen-not nosuch'], reason: 'deepen-not' },
    {
      what: 'a tag to stop at that leaves nothing',
      more: ['deepen-not refs/heads/main'],
      reason: 'no commits',
    },
    { what: 'a shallow line with a tree', more: ['shallow <tree>'], reason: 'invalid shallow object' },
    { what: 'a shallow line with a blob', more: ['shallow <blob>', 'deepen 1'], reason: 'invalid shallow' },
    { what: 'a filter that is none', more: ['filter junk'], reason: "invalid filter-spec 'junk'" },
    { what: 'an empty filter', more: ['filter '], reason: 'filter' },
    { what: 'a depth of trees that is none', more: ['filter tree:x'], reason: "expected 'tree:<depth>'" },
    { what: 'a size of blobs that is none', more: ['filter blob:limit=x'], reason: 'filter-spec' },
    {
      what: 'a type of objects that is none',
      more: ['filter object:type=x'],
      reason: 'not a valid object type',
    },
    { what: 'a filter that is not offered', more: ['filter sparse:oid=main'], reason: 'sparse:oid' },
    { what: 'a combination of nothing', more: ['filter combine:x+y'], reason: 'invalid filter-spec' },
    { what: 'an object that is not here', more: [], want: 'absent', reason: 'not our ref' },
    { what: 'two filters', more: ['filter blob:none', 'filter tree:0'], reason: 'only one filter' },
    { what: 'two kinds of depth', more: ['deepen 1', 'deepen-since 5'], reason: 'cannot be used together' },
  ])('$what is answered with an ERR packet, in every version', async ({ more, want, reason }) => {
    const said = more.map((line) => line.replace(/<(\w+)>/, (_, name) => ids[name] ?? ''));
    for (const version of VERSIONS) {
      const body = fetchRequest(version, ids[want ?? 'tip'] ?? '', said);
      const answer = await fetchFrom(here.url, body, versionHeader(version));

      expect(answer.status, `version ${version}: ${answer.text}`).toBe(200);
      expect(answer.headers['content-type']).toBe('application/x-git-upload-pack-result');
      expect(lastWords(answer), `version ${version}`).toMatch(/^ERR /);
      expect(lastWords(answer)).toContain(reason);
      expect(lastWords(answer)).not.toMatch(/(^|[\s'"])\//);
    }
  });

  it('a capability that was not offered, and a wrong format in ls-refs, are answered the same way in v2', async () => {
    for (const said of ['teleport=1', 'object-format=junk', 'object-format=sha256']) {
      const body = fetchRequest(2, here.tip, [], said);
      expect(lastWords(await fetchFrom(here.url, body, versionHeader(2)))).toMatch(/^ERR /);
    }
    const listing = Buffer.concat([
      lines('command=ls-refs', 'object-format=sha256'),
      delimiterPacket,
      flushPacket,
    ]);
    expect(lastWords(await fetchFrom(here.url, listing, versionHeader(2)))).toBe(
      'ERR mismatched object format: server sha1; client sha256',
    );
  });

  it('an error follows the part that was already answered', async () => {
    const answer = await fetchFrom(
      here.url,
      fetchRequest(2, here.tip, ['deepen-not refs/heads/main']),
      versionHeader(2),
    );

    expect(packetsOf(answer.body)).toEqual(['shallow-info', 'ERR no commits selected for shallow requests']);
  });

  it('clients with equal requests get the same error', async () => {
    const body = fetchRequest(2, here.tip, ['deepen-not no-such-ref-either']);
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => fetchFrom(here.url, body, versionHeader(2))),
    );

    for (const answer of answers) expect(lastWords(answer)).toMatch(/^ERR .*no-such-ref-either/);
  });

  it('an error has one line of bounded length', async () => {
    const name = 'x'.repeat(30_000);
    for (const version of VERSIONS) {
      const answer = await fetchFrom(
        here.url,
        fetchRequest(version, here.tip, [`deepen-not ${name}`]),
        versionHeader(version),
      );
      expect(lastWords(answer)).toMatch(/^ERR .*deepen-not/);
      expect(answer.body.length).toBeLessThan(1_100);
    }
  });

  it('random lines are refused or answered, and never reported as a fault of the server', async () => {
    const words = [
      'want',
      'have',
      'shallow',
      'deepen',
      'deepen-since',
      'deepen-not',
      'filter',
      'junk',
      'done',
    ];
    const values = ['', '1', '-1', '99999999999999999999', 'x', 'refs/heads/main', '\u0001', '%00', '../..'];
    const things = [...values, ...Object.values(ids), 'd'.repeat(64), 'blob:none', 'combine:', 'tree:-1'];
    for (const version of VERSIONS) {
      for (const word of words) {
        const said = things.map((thing) => [`${word} ${thing}`]);
        const answers = await Promise.all(
          said.map((more) =>
            fetchFrom(here.url, fetchRequest(version, here.tip, more), versionHeader(version)),
          ),
        );
        expect(answers.map(({ status }) => status).filter((status) => status >= 500)).toEqual([]);
      }
    }
  });

  it.each(VERSIONS)('git shows the reason, in version %i', async (version) => {
    const user = here.user.with(`protocol.version=${version}`);
    const cases: [string, string][] = [
      ['--shallow-exclude=nosuch', 'deepen-not'],
      ['--shallow-since=2099-01-01', 'no commits selected for shallow requests'],
      ['--filter=sparse:oid=main', 'sparse:oid'],
    ];
    for (const [option, reason] of cases) {
      const cloned = await user.try(['clone', option, here.url, `clone-${version}`]);

      expect(cloned.exitCode).toBe(128);
      expect(cloned.stderr).toContain('fatal: remote error: ');
      expect(cloned.stderr).toContain(reason);
      expect(cloned.stderr).not.toMatch(/HTTP|50\d/);
    }
  });

  it('the log has a line with the reason', () => {
    const refused = log.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'fetch refused');
    expect(refused.length).toBeGreaterThan(10);
    expect(refused).toContainEqual(
      expect.objectContaining({ requestId: expect.any(String), reason: expect.stringContaining('nosuch') }),
    );
  });
});
