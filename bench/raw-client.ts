import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { CairnError } from '../src/lib/errors.ts';
import { PackAnswer } from './pack-answer.ts';

/**
 * A client that speaks git's protocol v2 over HTTP and keeps nothing: real git spends most of a
 * clone in its own index-pack, which says nothing about the server. Like git it makes one connection
 * per command and reuses it for the requests of that command.
 */

/** What a clone cost. Seconds count from the first request, `firstPackByte` from the fetch request. */
export interface RawClone {
  readonly seconds: number;
  readonly firstPackByte: number;
  readonly packBytes: number;
  readonly objects: number;
}

/** One line of `ls-refs`. */
interface RawRef {
  readonly oid: string;
  readonly name: string;
}

/** The capability reply and `ls-refs` for every ref, as `git ls-remote` asks. */
export async function rawLsRemote(url: string): Promise<{ seconds: number; refs: number }> {
  const began = performance.now();
  await using connection = connect(url);
  await connection.capabilities();
  const refs = await connection.lsRefs([]);
  return { seconds: (performance.now() - began) / 1000, refs: refs.length };
}

/**
 * Clones and discards: every branch and tag, or with `depth` only HEAD's history of that length,
 * as `git clone --depth` does. Throws when the server refuses or the answer is cut short.
 */
export async function rawClone(url: string, depth?: number): Promise<RawClone> {
  const began = performance.now();
  await using connection = connect(url);
  await connection.capabilities();
  const refs = await connection.lsRefs(
    depth === undefined ? ['HEAD', 'refs/heads/', 'refs/tags/'] : ['HEAD'],
  );
  if (refs.length === 0) throw new CairnError('not-found', `${url} has no refs to clone`);
  const fetched = performance.now();
  const answer = await connection.command('fetch', [
    'no-progress',
    'ofs-delta',
    ...(depth === undefined ? [] : [`deepen ${depth}`]),
    ...[...new Set(refs.map((ref) => ref.oid))].map((oid) => `want ${oid}`),
    'done',
  ]);
  const pack = new PackAnswer();
  let firstPackByte = Number.NaN;
  for await (const chunk of answer) {
    pack.feed(chunk);
    if (pack.packBytes > 0 && Number.isNaN(firstPackByte)) firstPackByte = performance.now() - fetched;
  }
  pack.end();
  return {
    seconds: (performance.now() - began) / 1000,
    firstPackByte: firstPackByte / 1000,
    packBytes: pack.packBytes,
    objects: pack.objects,
  };
}

function connect(url: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const headers = { 'Git-Protocol': 'version=2', 'User-Agent': 'git/bench', Accept: '*/*' };

  async function send(path: string, body?: string): Promise<IncomingMessage> {
    const outgoing = request(`${url}/${path}`, {
      agent,
      method: body === undefined ? 'GET' : 'POST',
      headers:
        body === undefined
          ? headers
          : {
              ...headers,
              'Content-Type': 'application/x-git-upload-pack-request',
              'Content-Length': Buffer.byteLength(body),
            },
    });
    outgoing.end(body);
    const [answer]: IncomingMessage[] = await once(outgoing, 'response');
    if (answer === undefined) throw new CairnError('unavailable', `no answer from ${url}`);
    if (answer.statusCode !== 200) {
      throw new CairnError('unavailable', `${url}/${path}: ${answer.statusCode} ${await textOf(answer)}`);
    }
    return answer;
  }

  function command(name: string, args: readonly string[]): Promise<IncomingMessage> {
    const head = [`command=${name}`, 'agent=git/bench', 'object-format=sha1'];
    const body = `${head.map(packet).join('')}0001${args.map(packet).join('')}0000`;
    return send('git-upload-pack', body);
  }

  return {
    command,
    async capabilities(): Promise<void> {
      const text = await textOf(await send('info/refs?service=git-upload-pack'));
      if (!text.includes('version 2')) throw new CairnError('unavailable', `${url} does not speak version 2`);
    },
    async lsRefs(prefixes: readonly string[]): Promise<RawRef[]> {
      const args = ['peel', 'symrefs', ...prefixes.map((prefix) => `ref-prefix ${prefix}`)];
      const text = await textOf(await command('ls-refs', args));
      const lines = text.matchAll(/^[0-9a-f]{4}([0-9a-f]{40}) ([^ \n]+).*$/gm);
      return Array.from(lines, ([, oid = '', name = '']) => ({ oid, name }));
    },
    async [Symbol.asyncDispose](): Promise<void> {
      agent.destroy();
    },
  };
}

function packet(text: string): string {
  return `${(Buffer.byteLength(text) + 5).toString(16).padStart(4, '0')}${text}\n`;
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
