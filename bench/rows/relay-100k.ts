import { systemClock } from '../../src/lib/clock.ts';
import { CairnError } from '../../src/lib/errors.ts';
import { systemRandom } from '../../src/lib/random.ts';
import type { NostrEvent, VerifiedEvent } from '../../src/nostr/event.ts';
import { openFileStore } from '../../src/object-store/file/open-file-store.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { EventStore } from '../../src/relay/log/event-store.ts';
import { type CairnServer, dataFolder, fileStore, serveCairn } from '../cairn.ts';
import { behindProxy, callerAddress } from '../callers.ts';
import { addressOf, authorKey, repositoryName, storedIssues } from '../issues.ts';
import { median, percentile } from '../measure.ts';
import { announcement } from '../owner.ts';
import { memoryOfTree } from '../process-figures.ts';
import { RelayClient } from '../relay-client.ts';
import type { RowGroup, Values } from './row.ts';

/** Announcements name it, and the port is another one at each start. */
const PUBLIC_URL = 'http://cairn.example.org';

/** One issue by every author in every repository. */
interface LogShape {
  /** How rows call it. */
  readonly name: string;
  readonly repositories: number;
  readonly authors: number;
  /** Most that the memory of the server may be, in bytes, after all questions. */
  readonly memory?: number;
  readonly runs: number;
}

/** Issues that go into the log at a time, and after how many it is folded. */
const APPENDED_AT_ONCE = 2_000;
const FOLDED_AFTER = 8_000;

/** Events in an answer. There are twice as many or more that match. */
const LIMIT = 50;

/** For each of the two questions; a connection may ask 400 times at once. */
const CONNECTIONS = 3;
const WARM_UPS = 50;
const ANNOUNCED_AT_ONCE = 100;
const REQUESTS = 300;

/** A server that finds 100,000 events in its log. */
export function hundredThousandEvents(): RowGroup {
  return storedEvents({ name: '100k', repositories: 100, authors: 1_000, runs: 3 });
}

/** One that finds a million, and what memory they cost. Filling the log takes one to three minutes. */
export function millionEvents(): RowGroup {
  return storedEvents({
    name: '1m',
    repositories: 1_000,
    authors: 1_000,
    runs: 1,
    memory: 512 * 1024 * 1024,
  });
}

/**
 * How long a server takes to start over its log, against one with an empty log, and to answer. Answers come from an index in
 * memory and from local disk, so there is no other store to ask.
 */
function storedEvents(shape: LogShape): RowGroup {
  const { name: size, runs, memory } = shape;
  const latency = (name: string, value: string) =>
    ({ name: `relay-req-${size}${name}/file`, unit: 'ms', value, alone: true }) as const;
  const goal = memory === undefined ? {} : { goal: memory / 1024 / 1024 };
  return {
    rows: [
      { name: `relay-start-${size}/file`, unit: 's', value: 'start' },
      latency('', 'byAddress'),
      latency('-p99', 'byAddressP99'),
      latency('-author', 'byAuthor'),
      latency('-author-p99', 'byAuthorP99'),
      { name: `relay-rss-${size}/file`, unit: 'MiB', value: 'memory', alone: true, worst: true, ...goal },
    ],
    runs,
    warmUps: 0,
    async prepare(stage) {
      const [full, empty] = [stage.scratch('full'), stage.scratch('empty')];
      // The first start proves the store, and is not measured.
      await served(empty, async () => undefined);
      await served(full, (server) => announceAll(server, shape));
      await fillLog(dataFolder(full), shape);
      const timed = async (folder: string, use: (server: CairnServer) => Promise<Values>) => {
        const began = performance.now();
        let start = 0;
        const values = await served(folder, (server) => {
          start = (performance.now() - began) / 1000;
          return use(server);
        });
        return { ...values, start };
      };
      return {
        cairn: (run) => timed(full, (server) => askAll(server, shape, run)),
        reference: () => timed(empty, async () => ({})),
      };
    },
  };
}

/** Runs a server on a folder for as long as something is done with it. */
async function served<T>(folder: string, use: (server: CairnServer) => Promise<T>): Promise<T> {
  const flags = [...behindProxy, '--access', 'signed', '--public-url', PUBLIC_URL];
  const server = await serveCairn(folder, fileStore(folder), flags);
  try {
    return await use(server);
  } finally {
    await server.stop();
  }
}

async function announceAll({ url }: CairnServer, { repositories }: LogShape): Promise<void> {
  // An address may send only so many a minute.
  for (let first = 0; first < repositories; first += ANNOUNCED_AT_ONCE) {
    const relay = await RelayClient.connect(url, callerAddress(first));
    const events = Array.from({ length: Math.min(ANNOUNCED_AT_ONCE, repositories - first) }, (_, number) =>
      announcement(PUBLIC_URL, repositoryName(first + number)),
    );
    await relay.publish(events);
    await relay.close();
  }
}

/** Puts the issues into the log of a server that is not running, folded as its upkeep would have done by then. */
async function fillLog(folder: string, { repositories, authors }: LogShape): Promise<void> {
  const { store, close } = await openFileStore(folder, { onOwned: 'refuse' });
  try {
    const events = await EventStore.open({
      control: store,
      bulk: store,
      clock: systemClock,
      random: systemRandom,
      log: createLogger('warn'),
    });
    const end = Math.floor(Date.now() / 1000);
    let batch: NostrEvent[] = [];
    let stored = 0;
    for (const issue of storedIssues({ repositories, authors, end })) {
      batch.push(issue);
      if (batch.length < APPENDED_AT_ONCE) continue;
      // That nobody has verified them makes no difference to the log.
      await events.append(batch as VerifiedEvent[]);
      stored += batch.length;
      batch = [];
      if (stored % FOLDED_AFTER === 0) await events.compact();
    }
    if (!(await events.compact())) throw new CairnError('unavailable', 'the log was not folded');
    await events.close();
  } finally {
    await close();
  }
}

async function askAll(
  { url, pid }: CairnServer,
  { repositories, authors }: LogShape,
  run: number,
): Promise<Values> {
  const first = run * 2 * CONNECTIONS;
  const byAddress = await ask(url, first, (number) => ({
    '#a': [addressOf(repositoryName(number % repositories))],
    limit: LIMIT,
  }));
  const byAuthor = await ask(url, first + CONNECTIONS, (number) => ({
    authors: [authorKey(number % authors)],
    limit: LIMIT,
  }));
  return {
    memory: memoryOfTree(pid),
    byAddress: median(byAddress),
    byAddressP99: percentile(byAddress, 0.99),
    byAuthor: median(byAuthor),
    byAuthorP99: percentile(byAuthor, 0.99),
  };
}

/** Seconds of every answer, one question after another, about something else each time. */
async function ask(url: string, firstCaller: number, filter: (number: number) => object): Promise<number[]> {
  const answered: number[] = [];
  for (let connection = 0; connection < CONNECTIONS; connection++) {
    const relay = await RelayClient.connect(url, callerAddress(firstCaller + connection));
    for (let number = 0; number < WARM_UPS + REQUESTS; number++) {
      const { seconds, events } = await relay.request(filter(connection * REQUESTS + number));
      if (events !== LIMIT) throw new CairnError('corrupt', `the relay found ${events} events of ${LIMIT}`);
      if (number >= WARM_UPS) answered.push(seconds);
    }
    await relay.close();
  }
  return answered;
}
