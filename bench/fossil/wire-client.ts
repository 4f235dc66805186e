import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { deflateSync, inflateSync } from 'node:zlib';
import { CairnError } from '../../src/lib/errors.ts';

/**
 * A client of Fossil's sync protocol that does nothing with what it gets: it counts the artifacts of a clone. The stock
 * client spends nearly all of a clone in its own rebuild, which would hide the server. It reads cards with code of its
 * own, and speaks as the stock client does: a connection for each round.
 */

/** What a clone brought. */
export interface WireClone {
  readonly artifacts: number;
  readonly rounds: number;
  readonly bytes: number;
}

/** Clones by protocol 3, until the server says that it has sent everything. */
export async function wireClone(url: string): Promise<WireClone> {
  let position = 1;
  let cookie = '';
  const sum = { artifacts: 0, rounds: 0, bytes: 0 };
  while (position > 0) {
    const reply = await exchange(
      url,
      `pragma client-version 22100 20230226 192424\nclone 3 ${position}\n${cookie}${randomness(sum.rounds)}`,
    );
    const page = readPage(reply);
    if (page.next === undefined) throw new CairnError('corrupt', `no clone_seqno: ${page.said}`);
    sum.artifacts += page.artifacts;
    sum.rounds++;
    sum.bytes += reply.length;
    position = page.next;
    cookie = page.cookie;
  }
  return sum;
}

/** A pull of somebody who has everything: one round, and the number of bytes that it took. */
export async function wirePull(url: string, projectCode: string): Promise<number> {
  const reply = await exchange(
    url,
    `pragma client-version 22100 20230226 192424\npull 0000000000000000000000000000000000000000 ${projectCode}\n${randomness(0)}`,
  );
  return reply.length;
}

function randomness(round: number): string {
  return `# ${createHash('sha1').update(`${performance.now()} ${round}`).digest('hex')}\n`;
}

async function exchange(url: string, cards: string): Promise<Buffer> {
  const plain = Buffer.from(cards);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(plain.length);
  const body = Buffer.concat([size, deflateSync(plain)]);
  const { type, reply } = await post(url, body);
  if (type.startsWith('application/x-fossil-uncompressed')) return reply;
  if (type.startsWith('application/x-fossil'))
    return reply.length === 0 ? reply : inflateSync(reply.subarray(4));
  throw new CairnError('corrupt', `a reply of type ${type}: ${reply.subarray(0, 200)}`);
}

function post(url: string, body: Buffer): Promise<{ readonly type: string; readonly reply: Buffer }> {
  return new Promise((resolve, reject) => {
    const sent = request(url, {
      method: 'POST',
      agent: false,
      headers: { 'content-type': 'application/x-fossil', 'content-length': body.length, connection: 'close' },
    });
    sent.once('error', reject);
    sent.once('response', (response) => {
      buffer(response).then(
        (reply) => resolve({ type: response.headers['content-type'] ?? '', reply }),
        reject,
      );
    });
    sent.end(body);
  });
}

interface Page {
  artifacts: number;
  next: number | undefined;
  cookie: string;
  said: string;
}

/** Counts the files of a page, and finds its position and cookie. */
function readPage(reply: Buffer): Page {
  const page: Page = { artifacts: 0, next: undefined, cookie: '', said: '' };
  for (let at = 0; at < reply.length; ) {
    const end = reply.indexOf(10, at);
    if (end === -1) throw new CairnError('corrupt', 'a card without its end');
    const line = reply.toString('latin1', at, end);
    at = end + 1;
    const [card = '', ...words] = line.split(' ');
    if (card === 'cfile' || card === 'file') {
      page.artifacts++;
      at += Number(words.at(-1));
    } else if (card === 'clone_seqno') page.next = Number(words[0]);
    else if (card === 'cookie') page.cookie = `${line}\n`;
    else if (card === 'error' || card === 'message') page.said += line;
  }
  if (page.said !== '') throw new CairnError('corrupt', page.said);
  return page;
}
