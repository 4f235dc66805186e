import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { CairnError, messageOf, systemCode } from '../src/lib/errors.ts';

/** One line of `ls-refs`. */
export interface RawRef {
  readonly oid: string;
  readonly name: string;
}

/**
 * A connection to a repository as git makes one for each command: reused for the requests of that command, and closed
 * when it is disposed of. Every method throws `unavailable` with the server's words when the answer is not 200.
 */
export interface RawConnection extends AsyncDisposable {
  /** `info/refs` of a service, read to its end. */
  advertisement(service: 'git-upload-pack' | 'git-receive-pack'): Promise<Buffer>;
  /** The capability reply of protocol v2. */
  capabilities(): Promise<void>;
  /** `ls-refs`; without prefixes every ref. */
  lsRefs(prefixes: readonly string[]): Promise<RawRef[]>;
  /** A command of protocol v2; the answer as it comes. */
  command(name: string, args: readonly string[]): Promise<IncomingMessage>;
  /** A request to `git-receive-pack`; the answer, read to its end. */
  push(body: Buffer): Promise<Buffer>;
}

/** Opens the connection at the first request. */
export function connect(url: string): RawConnection {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const headers = { 'Git-Protocol': 'version=2', 'User-Agent': 'git/bench', Accept: '*/*' };

  async function send(path: string, body?: string | Buffer): Promise<IncomingMessage> {
    const outgoing = request(`${url}/${path}`, {
      agent,
      method: body === undefined ? 'GET' : 'POST',
      headers:
        body === undefined
          ? headers
          : {
              ...headers,
              'Content-Type': `application/x-${path}-request`,
              'Content-Length': Buffer.byteLength(body),
            },
    });
    outgoing.end(body);
    const answer = await once(outgoing, 'response').then(
      ([incoming]: IncomingMessage[]) => incoming,
      (error: unknown) => {
        // A server may close a connection just when it is used again; curl asks once more then, and so git does.
        if (outgoing.reusedSocket && systemCode(error) === 'ECONNRESET') return undefined;
        throw new CairnError('unavailable', `${url}/${path}: ${messageOf(error)}`, { cause: error });
      },
    );
    if (answer === undefined) return send(path, body);
    if (answer.statusCode !== 200) {
      const words = (await bytesOf(answer)).toString('utf8').slice(0, 500);
      throw new CairnError('unavailable', `${url}/${path}: ${answer.statusCode} ${words}`);
    }
    return answer;
  }

  const advertisement: RawConnection['advertisement'] = async (service) =>
    bytesOf(await send(`info/refs?service=${service}`));

  const command: RawConnection['command'] = (name, args) => {
    const head = [`command=${name}`, 'agent=git/bench', 'object-format=sha1'];
    return send('git-upload-pack', `${head.map(packet).join('')}0001${args.map(packet).join('')}0000`);
  };

  return {
    advertisement,
    command,
    async capabilities() {
      const text = (await advertisement('git-upload-pack')).toString('latin1');
      if (!text.includes('version 2')) throw new CairnError('unavailable', `${url} does not speak version 2`);
    },
    async lsRefs(prefixes) {
      const args = ['peel', 'symrefs', ...prefixes.map((prefix) => `ref-prefix ${prefix}`)];
      const text = (await bytesOf(await command('ls-refs', args))).toString('utf8');
      const lines = text.matchAll(/^[0-9a-f]{4}([0-9a-f]{40}) ([^ \n]+).*$/gm);
      return Array.from(lines, ([, oid = '', name = '']) => ({ oid, name }));
    },
    async push(body) {
      return bytesOf(await send('git-receive-pack', body));
    },
    async [Symbol.asyncDispose]() {
      agent.destroy();
    },
  };
}

/** A pkt-line with a line of text. */
export function packet(text: string): string {
  return `${(Buffer.byteLength(text) + 5).toString(16).padStart(4, '0')}${text}\n`;
}

async function bytesOf(answer: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk);
  return Buffer.concat(chunks);
}
