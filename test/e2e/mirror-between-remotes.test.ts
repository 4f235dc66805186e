/** `cairn mirror` as a user runs it: lines for people, one JSON document for programs, a code for each way to end. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { STATUS_CODES } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { encodePacket, flushPacket } from '../../src/git/protocol/pkt-line.ts';
import { runCommand } from '../helpers/command.ts';
import { type CommandResult, run } from '../helpers/git-client.ts';
import { type MirrorRig, mirrorRig, refsIn } from '../helpers/mirror-rig.ts';
import { startScriptedServer } from '../helpers/scripted-http-server.ts';
import { MAIN } from '../helpers/server.ts';

function mirror(
  rig: MirrorRig,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<CommandResult> {
  return runCommand(['mirror', ...args], { PATH: process.env['PATH'] ?? '', HOME: rig.folder, ...env });
}

/** The same as a process of its own, for exit codes, command lines that cannot be read, and what the environment decides. */
function mirrorProcess(
  rig: MirrorRig,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<CommandResult> {
  return run(MAIN, ['mirror', ...args], {
    env: { PATH: process.env['PATH'] ?? '', HOME: rig.folder, ...env },
  });
}

async function history(rig: MirrorRig): Promise<void> {
  await rig.author.commit('One', { file: '1\n' });
  await rig.author.commit('Two', { file: '2\n' });
  await rig.author.run(['push', '--quiet', 'origin', 'main']);
}

it('a mirror run prints the result of each ref, and nothing on standard error after success', async () => {
  await using rig = await mirrorRig();
  await history(rig);
  const { sourceUrl: source, targetUrl: target } = rig;
  const planned = await mirror(rig, ['plan', source, target]);
  expect(planned).toMatchObject({ exitCode: 0, stderr: '' });
  expect(planned.stdout).toBe(
    'create    refs/heads/main  the target does not have it [relay]\n' +
      '1 to change, 0 equal\n' +
      '[relay] the pack of the source is sent on as it comes\n',
  );
  expect(await mirror(rig, ['sync', source, target])).toEqual({
    exitCode: 0,
    stderr: '',
    stdout: 'created   refs/heads/main  the target does not have it\n1 changed, 0 equal\n',
  });
  expect((await mirror(rig, ['sync', source, target])).stdout).toBe('0 changed, 1 equal\n');
  expect(await refsIn(rig.target)).toBe(await refsIn(rig.source));
});

it('a sync without changes needs at most two requests per side, and no other process', async () => {
  await using rig = await mirrorRig();
  await history(rig);
  const { sourceUrl: source, targetUrl: target } = rig;
  expect(await mirror(rig, ['sync', source, target])).toMatchObject({ exitCode: 0 });
  const before = rig.host.requests.length;
  // There is no program in the path that it could start.
  const env = { PATH: rig.folder, HOME: rig.folder };
  const again = await run(process.execPath, [MAIN, 'mirror', 'sync', source, target], { env });
  expect(again).toEqual({ exitCode: 0, stderr: '', stdout: '0 changed, 1 equal\n' });
  const requests = rig.host.requests.slice(before);
  expect(requests.filter((line) => line.includes('/source.git/')).length).toBeLessThanOrEqual(2);
  expect(requests.filter((line) => line.includes('/target.git/')).length).toBeLessThanOrEqual(2);
});

it('a mirror command prints one JSON document and has an exit code for each outcome', async () => {
  await using rig = await mirrorRig();
  await history(rig);
  const { sourceUrl: source, targetUrl: target } = rig;
  const by =
    (program: typeof mirror) =>
    async (...args: string[]) => {
      const { exitCode, stdout, stderr } = await program(rig, [...args, '--json']);
      const { outcome, problem } = JSON.parse(stdout) as { outcome: string; problem: string | null };
      // What a person reads says the same.
      expect(stderr).toBe(problem === null ? '' : `cairn: ${problem}\n`);
      return [exitCode, outcome];
    };
  const [ended, processEnded] = [by(mirror), by(mirrorProcess)];
  expect(await ended('sync', source, target)).toEqual([0, 'ok']);
  expect(await ended('bootstrap', source, target)).toEqual([2, 'blocked']);
  await rig.author.run(['push', '--quiet', 'origin', 'main:refs/heads/new']);
  await rig.author.run(['push', '--quiet', '--force', 'origin', 'main~1:refs/heads/main']);
  expect(await processEnded('sync', source, target, '--best-effort')).toEqual([3, 'partial']);
  expect(await ended('sync', source, `${rig.host.url}/none.git`)).toEqual([5, 'configuration']);
  expect(await ended('sync', source, source)).toEqual([5, 'configuration']);
  expect(await processEnded('sync', source, target, '--protocol', 'v9')).toEqual([5, 'configuration']);
  expect(await processEnded('sync', source)).toEqual([5, 'configuration']);
  expect(await processEnded('sync', source, target, '--no-such-flag')).toEqual([5, 'configuration']);
  expect(await ended('sync', 'http://127.0.0.1:1/x.git', target)).toEqual([6, 'transport']);
  expect(await ended('probe', 'http://127.0.0.1:1/x.git')).toEqual([6, 'transport']);
  expect(await ended('fetch', source, '--have', 'zz')).toEqual([5, 'configuration']);
});

it('the JSON document is printed even if no temporary folder can be made', async () => {
  await using rig = await mirrorRig();
  await history(rig);
  for (const command of ['plan', 'sync']) {
    const args = [command, rig.sourceUrl, rig.targetUrl, '--json'];
    const { exitCode, stdout, stderr } = await mirrorProcess(rig, args, { TMPDIR: '/nonexistent' });
    const problem = expect.stringContaining('no folder for temporary files can be made in /nonexistent');
    expect([exitCode, JSON.parse(stdout)]).toMatchObject([6, { command, outcome: 'transport', problem }]);
    expect(stderr.split('\n')).toHaveLength(2);
  }
});

it('measurements end after the push, and count transferred bytes', async () => {
  await using rig = await mirrorRig();
  await history(rig);
  const { stdout } = await mirror(rig, ['sync', rig.sourceUrl, rig.targetUrl, '--json', '--measure']);
  const { traffic, measurement, counts } = JSON.parse(stdout);
  expect(counts.applied).toBe(1);
  // Source: the advertisement, ls-refs, a pack. Target: the refs before and after, a question whether it wants credentials, a push.
  expect(traffic.source).toMatchObject({ requests: 3 });
  expect(traffic.target).toMatchObject({ requests: 4 });
  expect(traffic.target.sentBytes).toBeGreaterThan(200);
  expect(measurement.peakMemoryBytes).toBeGreaterThan(10_000_000);
});

it('no output shows a password of an address, in any form', async () => {
  await using rig = await mirrorRig();
  const secret = 'hunter2secret';
  const source = rig.sourceUrl.replace('http://', `http://user:${secret}@`);
  for (const flags of [[], ['--json']]) {
    const { stdout, stderr } = await mirror(rig, ['sync', source, rig.targetUrl, ...flags], {
      CAIRN_HTTP_TRACE: '1',
    });
    expect(stderr).toContain('http #1');
    expect(stdout + stderr).not.toContain(secret);
    expect(stdout + stderr).not.toContain(Buffer.from(`user:${secret}`).toString('base64'));
  }
});

it.each([
  ['git://user:hunter2secret@127.0.0.1:1/x?key=hunter2secret', 'git://127.0.0.1:1/x'],
  ['git://user:hunter2%40secret@127.0.0.1:1/x', 'git://127.0.0.1:1/x'],
  ['ftp://user:hunter2@secret@127.0.0.1:1/x', 'ftp://127.0.0.1:1/x'],
  ['nothing::https://user:hunter2secret@127.0.0.1:1/x', 'nothing::https://127.0.0.1:1/x'],
])('the address %s, for git alone, is shown without its password', async (source, shown) => {
  await using rig = await mirrorRig();
  for (const command of [
    ['sync', source, rig.target.folder],
    ['probe', source],
  ]) {
    const { exitCode, stdout, stderr } = await mirror(rig, [...command, '--json']);
    expect([exitCode, JSON.parse(stdout)]).toMatchObject([6, { source: { address: shown } }]);
    expect(stdout + stderr).not.toMatch(/hunter2|secret/);
  }
});

it('commands list a remote, and test its fetch', async () => {
  await using rig = await mirrorRig();
  await history(rig);
  const probe = await mirror(rig, ['probe', rig.sourceUrl, rig.targetUrl]);
  expect(probe.stdout).toMatch(/^protocol {7}2\nobject format {2}sha1\nHEAD {11}refs\/heads\/main\n/);
  const whole = await mirror(rig, ['fetch', rig.sourceUrl]);
  expect(whole.stdout).toMatch(/^protocol 2, 1 want, 0 haves\na pack of 6 objects, \d+ bytes\n$/);
  const none = await mirror(rig, ['fetch', rig.sourceUrl, '--have-ref', 'main']);
  expect(none.stdout).toMatch(/1 have\na pack of 0 objects, 32 bytes/);
});

it('numbers of refs have the same form on both sides, with the singular for one', async () => {
  await using rig = await mirrorRig();
  await history(rig);
  await rig.author.run(['push', '--quiet', rig.target.folder, 'main', 'main:refs/tags/v1', 'main:refs/x/y']);
  const { stdout } = await mirror(rig, ['probe', rig.sourceUrl, rig.targetUrl]);
  expect(stdout).toContain('target         sha1, 1 ref in scope of 3, ');
  expect(stdout).toContain('refs in scope  1\n');
  const json = await mirror(rig, ['probe', rig.sourceUrl, rig.targetUrl, '--tags', '--json']);
  expect(JSON.parse(json.stdout)).toMatchObject({ targetFacts: { refs: 3, refsInScope: 2 } });
});

it('a refusal is explained in the words of the target, and a success is not', async () => {
  await using rig = await mirrorRig();
  await history(rig);
  const hooks = join(rig.target.folder, 'hooks');
  await mkdir(hooks, { recursive: true });
  const hook = join(hooks, 'pre-receive');
  await writeFile(hook, '#!/bin/sh\necho "GH001: large files detected" >&2\nexit $(cat verdict)\n', {
    mode: 0o755,
  });
  await writeFile(join(rig.target.folder, 'verdict'), '1');
  const sync = ['sync', rig.sourceUrl, rig.targetUrl];
  expect(await mirror(rig, sync)).toEqual({
    exitCode: 2,
    stdout: 'refused   refs/heads/main  pre-receive hook declined\n0 changed, 0 equal, 1 refused\n',
    stderr:
      'target: GH001: large files detected\n' +
      'cairn: the target has refused one ref: refs/heads/main: pre-receive hook declined\n',
  });
  const json = await mirror(rig, [...sync, '--json']);
  expect(JSON.parse(json.stdout)).toMatchObject({ targetMessages: ['GH001: large files detected'] });
  await writeFile(join(rig.target.folder, 'verdict'), '0');
  expect(await mirror(rig, sync)).toMatchObject({ exitCode: 0, stderr: '' });
});

it('an error page that only repeats the status is not shown, and 401 says where credentials come from', async () => {
  await using rig = await mirrorRig();
  await using server = await startScriptedServer((request, response) => {
    request.resume();
    response.writeHead(Number(request.url?.split('/')[1]), { 'Content-Type': 'text/html' });
    response.end(
      `<title>${request.url?.split('/')[1]} ${STATUS_CODES[request.url?.split('/')[1] ?? '']}</title>`,
    );
  });
  const env = { GIT_TERMINAL_PROMPT: '0' };
  const gone = await mirror(rig, ['probe', `${server.url}/404/x`], env);
  expect(gone.stderr).toBe(`cairn: ${server.url}/404/x answers 404 Not Found\n`);
  const closed = await mirrorProcess(rig, ['probe', `${server.url}/401/x`], env);
  expect(closed.stderr).toMatch(
    /answers 401 Unauthorized\. Credentials are CAIRN_SOURCE_TOKEN for the source, /,
  );
});

it('no output has control characters that a remote chose, in names, capabilities and errors', async () => {
  await using rig = await mirrorRig();
  await history(rig);
  const id = (await rig.author.run(['rev-parse', 'main'])).trim();
  const evil = '\u009b31m\u202egnp\u001b]0;title\u0007';
  const lines = ['version 2\n', `agent=${evil}\n`, 'ls-refs\n', 'fetch\n', 'object-format=sha1\n'];
  await using server = await startScriptedServer((request, response) => {
    request.resume();
    const isList = request.method === 'POST';
    const type = `application/x-git-upload-pack-${isList ? 'result' : 'advertisement'}`;
    response.setHeader('Content-Type', type);
    const packets = isList ? [`${id} refs/heads/\u009b31m\u202egnp\n`] : lines;
    response.end(Buffer.concat([...packets.map((line) => encodePacket(line)), flushPacket]));
  });
  const runs = [
    await mirror(rig, ['probe', server.url]),
    await mirror(rig, ['probe', server.url, '--json']),
    await mirror(rig, ['plan', server.url, rig.targetUrl]),
    await mirror(rig, ['sync', server.url, rig.targetUrl, '--branch', 'none\u202e']),
  ];
  for (const { stdout, stderr } of runs) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
    expect(`${stdout}${stderr}`).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/);
  }
  expect(runs[0]?.stdout).toContain('agent=\\u202egnp ');
  expect(JSON.parse(runs[1]?.stdout ?? '')).toMatchObject({
    capabilities: expect.arrayContaining(['agent=\u202egnp']),
    refs: [{ name: 'refs/heads/\u009b31m\u202egnp' }],
  });
  expect(runs[2]?.stdout).toContain('create    refs/heads/\\u009b31m\\u202egnp ');
});

it('a plan for a missing target equals one for an empty target, and a sync fails', async () => {
  await using rig = await mirrorRig();
  await history(rig);
  const absent = `${rig.host.url}/none.git`;
  const planned = await mirror(rig, ['plan', rig.sourceUrl, absent]);
  expect(planned).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('1 to change, 0 equal') });
  expect(planned.stderr).toContain('the plan is for an empty one');
  expect((await mirror(rig, ['sync', rig.sourceUrl, absent])).exitCode).toBe(5);
});

it('an address without a scheme is read as a path, and the error explains how to write a host', async () => {
  await using rig = await mirrorRig();
  const { exitCode, stderr } = await mirror(rig, ['probe', 'github.com/team/tool']);
  expect(exitCode).toBe(5);
  expect(stderr).toContain('If a host is meant, write https://github.com/team/tool');
  const path = await mirror(rig, ['probe', './nothing/here']);
  expect(path.stderr).toMatch(/there is nothing at the path \.\/nothing\/here\n$/);
});

it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  'a push interrupted by %s ends with a message, and the next run continues',
  async (signal) => {
    let reached = 0;
    let isStuck = true;
    await using rig = await mirrorRig({
      before: (request) => {
        if (!isStuck || request.method !== 'POST' || request.url?.includes('target.git') !== true)
          return false;
        // The question whether credentials are wanted is answered; the push is not.
        if (request.headers['content-length'] === '4') return false;
        request.resume();
        reached += 1;
        return true;
      },
    });
    await history(rig);
    const child = spawn(MAIN, ['mirror', 'sync', rig.sourceUrl, rig.targetUrl, '--json'], {
      env: { PATH: process.env['PATH'] ?? '', HOME: rig.folder },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const output = text(child.stdout);
    child.stderr.resume();
    const ended = once(child, 'close');
    await expect.poll(() => reached).toBe(1);
    child.kill(signal);
    expect(await ended).toEqual([130, null]);
    expect(JSON.parse(await output)).toMatchObject({
      outcome: 'interrupted',
      counts: { applied: 0, pending: 1 },
    });
    expect(await refsIn(rig.target)).toBe('');
    isStuck = false;
    expect((await mirror(rig, ['sync', rig.sourceUrl, rig.targetUrl])).exitCode).toBe(0);
    expect(await refsIn(rig.target)).toBe(await refsIn(rig.source));
  },
);
