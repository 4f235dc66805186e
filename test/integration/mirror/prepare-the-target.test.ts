/** The target is asked whether it wants credentials while the source counts objects. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { expect, it } from 'vitest';
import { sync } from '../../../src/mirror/mirror.ts';
import type { CredentialHelper } from '../../../src/mirror/remote/credential-helper.ts';
import { gate } from '../../helpers/gate.ts';
import { type MirrorRig, mirrorRig, refsIn } from '../../helpers/mirror-rig.ts';

const FETCH = 'POST /source.git/git-upload-pack';
const PUSH = 'POST /target.git/git-receive-pack';

type Before = (line: string, request: IncomingMessage, response: ServerResponse) => Promise<boolean>;

/** A rig with one commit. `before` sees each request. The second POST to the source is the one for the pack. */
async function withOneCommit(before: Before): Promise<MirrorRig> {
  const rig = await mirrorRig({
    before: (request, response) => before(`${request.method} ${request.url}`, request, response),
  });
  await rig.author.commit('One', { file: '1\n' });
  await rig.author.run(['push', '--quiet', 'origin', 'HEAD:main']);
  return rig;
}

/** Knows no password for anybody. */
const nobody: CredentialHelper = {
  fill: async () => undefined,
  approve: async () => undefined,
  reject: async () => undefined,
};

const run = (rig: MirrorRig, helper: CredentialHelper) =>
  sync({
    source: { address: rig.sourceUrl },
    target: { address: rig.targetUrl, connection: { helper } },
    scratchFolder: rig.folder,
  });

/** Calls `fetched` for the second POST to the source, which asks for the pack, and `pushed` for each POST to the target. */
function seeing(
  fetched: (response: ServerResponse) => Promise<boolean>,
  pushed: (request: IncomingMessage, response: ServerResponse) => Promise<boolean>,
): Before {
  let asked = 0;
  return async (line, request, response) => {
    if (line === PUSH) return pushed(request, response);
    if (line !== FETCH) return false;
    asked += 1;
    return asked === 2 ? fetched(response) : false;
  };
}

it('the target gets its first request while the source still counts objects', async () => {
  const probed = gate();
  await using rig = await withOneCommit(
    seeing(
      async () => {
        // Without the early request, both would wait for each other.
        await probed.opened;
        return false;
      },
      async () => {
        probed.open();
        return false;
      },
    ),
  );
  const result = await run(rig, nobody);
  expect(result.outcome).toBe('ok');
  expect(await refsIn(rig.target)).toBe(await refsIn(rig.source));
  expect(rig.host.requests.filter((line) => line === PUSH)).toHaveLength(2);
});

it('a password is requested only after the pack has begun to arrive', async () => {
  const probed = gate();
  const events: string[] = [];
  await using rig = await withOneCommit(
    seeing(
      async (response) => {
        await probed.opened;
        const write = response.write.bind(response);
        response.write = (...args: unknown[]) => {
          if (events.at(-1) !== 'pack') events.push('pack');
          return Reflect.apply(write, response, args);
        };
        return false;
      },
      async (request, response) => {
        if (request.headers.authorization !== undefined) return false;
        response.on('finish', () => probed.open());
        response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="x"' }).end();
        return true;
      },
    ),
  );
  const fill = async () => {
    events.push('asked');
    return { description: [], userName: 'me', secret: 's3cret' };
  };
  const result = await run(rig, { ...nobody, fill });
  expect(result.outcome).toBe('ok');
  // The rest of a pack may follow: git writes it in as many pieces as it likes.
  expect(events.slice(0, 2)).toEqual(['pack', 'asked']);
  expect(events.filter((event) => event === 'asked')).toHaveLength(1);
});

it('a target that does not answer does not delay the error of the source', async () => {
  const probed = gate();
  await using rig = await withOneCommit(
    seeing(
      async (response) => {
        await probed.opened;
        response.writeHead(500).end('out of order');
        return true;
      },
      async () => {
        probed.open();
        return true;
      },
    ),
  );
  const result = await run(rig, nobody);
  expect(result.outcome).toBe('transport');
  expect(result.problem).toContain('500');
});
