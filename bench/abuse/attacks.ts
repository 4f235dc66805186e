import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { kinds } from '../../src/nostr/kinds.ts';
import { relayUrl } from '../../src/nostr/repository-url.ts';
import { createSigner } from '../../src/nostr/sign.ts';
import { addressOf } from '../issues.ts';
import { copyBomb, deepTree, type HostilePack, harmless, withJunk, zeros } from './hostile-packs.ts';
import { Stranger, Tally } from './stranger.ts';

/** What an attack is aimed at. */
export interface Target {
  /** Base URL of the server. */
  readonly url: string;
  /** A public repository that an honest owner works with meanwhile. */
  readonly identifier: string;
}

/** Something that strangers do. */
export interface Attack {
  readonly name: string;
  /** Goes on until the signal is aborted, and lets go of everything then. @returns what was answered */
  run(target: Target, signal: AbortSignal): Promise<string>;
}

/** Levels of folders over which git's walkers die. */
const DEADLY_DEPTH = 60_000;
const MIB = 2 ** 20;

export const ATTACKS: readonly Attack[] = [
  pushing('bytes behind packs', 8, () => withJunk(1 + (randomBytes(1)[0] ?? 0))),
  pushing(
    '60,000 folders',
    4,
    once(() => deepTree(DEADLY_DEPTH)),
  ),
  pushing('1,300 bytes for 2 GiB', 16, copyBomb),
  pushing(
    '1 GiB of zeros',
    4,
    once(() => zeros(1024 * MIB)),
  ),
  pushing(
    '64 MiB of zeros',
    16,
    once(() => zeros(64 * MIB)),
  ),
  pushing('pull requests', 16, harmless),
  { name: 'slow clients', run: trickle },
  { name: 'a flood of events', run: flood },
];

/** So many strangers, each from an address of its own, who push one pack after another. */
function pushing(name: string, strangers: number, craft: () => HostilePack): Attack {
  return {
    name,
    async run({ url, identifier }, signal) {
      const tally = new Tally();
      const push = async (number: number) => {
        const stranger = new Stranger(url, identifier, addressNumber(number));
        while (!signal.aborted) {
          const { pack, tip } = craft();
          tally.add(await stranger.push(pack, tip, signal));
          // Somebody who is refused at once would otherwise measure how fast this process can ask.
          await setTimeout(50, undefined, { signal }).catch(() => undefined);
        }
      };
      await Promise.all(Array.from({ length: strangers }, (_, number) => push(number)));
      return String(tally);
    },
  };
}

/** 5,000 connections from one address and 500 from ten others, which send a byte now and then. */
async function trickle({ url, identifier }: Target, signal: AbortSignal): Promise<string> {
  const strangers = [
    ...Array.from({ length: 5_000 }, () => new Stranger(url, identifier, addressNumber(0))),
    ...Array.from({ length: 500 }, (_, at) => new Stranger(url, identifier, addressNumber(1 + (at % 10)))),
  ];
  const sockets: ReturnType<Stranger['begin']>[] = [];
  for (const [at, stranger] of strangers.entries()) {
    if (signal.aborted) break;
    const head = stranger.postHead(at % 2 === 0 ? 'git-upload-pack' : 'git-receive-pack');
    // A third never gets beyond its headers.
    sockets.push(stranger.begin(at % 3 === 0 ? head.slice(0, -2) : `${head}1\r\n0\r\n`));
    if (at % 100 === 99) await setTimeout(10);
  }
  while (!signal.aborted) {
    await setTimeout(5_000, undefined, { signal }).catch(() => undefined);
    for (const [at, socket] of sockets.entries()) {
      if (!socket.destroyed) socket.write(at % 3 === 0 ? 'X' : '1\r\n0\r\n');
    }
  }
  const cut = sockets.filter((socket) => socket.destroyed).length;
  for (const socket of sockets) socket.destroy();
  return `${sockets.length} connections, ${cut} of them cut off meanwhile`;
}

/** Large issues by a dozen keys of no right, from as many addresses, as fast as they are answered. */
async function flood({ url, identifier }: Target, signal: AbortSignal): Promise<string> {
  const tally = new Tally();
  const speak = async (number: number) => {
    const signer = createSigner(randomBytes(32).toString('hex'));
    const socket = new WebSocket(relayUrl(url), { localAddress: addressNumber(number) });
    const ended = new Promise<void>((resolve) => {
      socket.on('close', () => resolve());
      socket.on('error', () => resolve());
    });
    const send = () => {
      const event = signer.sign({
        kind: kinds.issue,
        created_at: Math.floor(Date.now() / 1000),
        tags: [
          ['a', addressOf(identifier)],
          ['subject', randomBytes(8).toString('hex')],
        ],
        content: randomBytes(20_000).toString('hex'),
      });
      socket.send(JSON.stringify(['EVENT', event]));
    };
    let timer: NodeJS.Timeout | undefined;
    socket.on('open', send);
    socket.on('message', (data) => {
      const [type, , accepted, note] = JSON.parse(String(data)) as unknown[];
      if (type !== 'OK') return;
      tally.add(accepted === true ? 'OK' : String(note).split(':', 1).join(''));
      timer = setTimeoutOf(() => socket.readyState === WebSocket.OPEN && send(), 20);
    });
    const stop = () => socket.terminate();
    signal.addEventListener('abort', stop, { once: true });
    await ended;
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  };
  const keepSpeaking = async (number: number) => {
    while (!signal.aborted) {
      await speak(number);
      await setTimeout(500, undefined, { signal }).catch(() => undefined);
    }
  };
  await Promise.all(Array.from({ length: 12 }, (_, number) => keepSpeaking(number)));
  return String(tally);
}

function setTimeoutOf(act: () => void, milliseconds: number): NodeJS.Timeout {
  return globalThis.setTimeout(act, milliseconds);
}

/** An address of the loopback range that no honest client calls from. */
function addressNumber(number: number): string {
  return `127.0.1.${1 + number}`;
}

/** Makes something once, when it is first wanted. */
function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
