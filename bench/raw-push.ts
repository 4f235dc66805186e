import { CairnError } from '../src/lib/errors.ts';
import { packOf } from './git-objects.ts';
import { connect, packet } from './raw-connection.ts';

/** What a ref shall become. */
export interface RefChange {
  readonly name: string;
  /** What it is; undefined for a ref that shall be made. */
  readonly from: string | undefined;
  readonly to: string;
}

/** No object: what `git push` sends along with refs to objects that are there. */
export const emptyPack: Buffer = packOf([]);

/** What a ref becomes that is deleted. */
export const zeroId = '0'.repeat(40);
const capabilities = 'report-status side-band-64k object-format=sha1 agent=git/bench';

/**
 * Pushes as git does, in two requests on one connection: it reads what the server advertises, sends commands and pack,
 * and believes only a report that names every ref as taken. Returns seconds from the first request to the report.
 * @throws CairnError `unavailable` with the server's words when anything is refused
 */
export async function rawPush(url: string, changes: readonly RefChange[], pack: Buffer): Promise<number> {
  const body = Buffer.concat([Buffer.from(commandsOf(changes)), pack]);
  const began = performance.now();
  await using connection = connect(url);
  await connection.advertisement('git-receive-pack');
  const report = reportOf(await connection.push(body));
  const seconds = (performance.now() - began) / 1000;
  const taken = new Set(report.filter((line) => line.startsWith('ok ')).map((line) => line.slice(3)));
  if (report[0] !== 'unpack ok' || !changes.every(({ name }) => taken.has(name))) {
    const words = report.filter((line) => !line.startsWith('ok ')).slice(0, 5);
    throw new CairnError('unavailable', `${url} refused a push: ${words.join('; ')}`);
  }
  return seconds;
}

function commandsOf(changes: readonly RefChange[]): string {
  const lines = changes.map(({ name, from, to }, at) => {
    const command = `${from ?? zeroId} ${to} ${name}`;
    return packet(at === 0 ? `${command}\0 ${capabilities}` : command);
  });
  return `${lines.join('')}0000`;
}

/** The lines of a report-status that came on side-band 1. Throws with what came on side-band 3. */
export function reportOf(answer: Buffer): string[] {
  const inner: Buffer[] = [];
  for (const payload of payloadsOf(answer)) {
    const text = payload.subarray(1);
    if (payload[0] === 1) inner.push(text);
    if (payload[0] === 3) {
      throw new CairnError('unavailable', `the server reports: ${text.toString('utf8').trim()}`);
    }
  }
  return Array.from(payloadsOf(Buffer.concat(inner)), (payload) => payload.toString('utf8').trimEnd());
}

/** What pkt-lines carry, up to the first flush. Throws `corrupt` when they break off before it. */
function* payloadsOf(bytes: Buffer): Generator<Buffer> {
  let at = 0;
  while (true) {
    const digits = bytes.toString('latin1', at, at + 4);
    if (digits === '0000') return;
    const length = Number.parseInt(digits, 16);
    if (!(length >= 4 && at + length <= bytes.length)) {
      throw new CairnError('corrupt', `a report broke off: ${bytes.toString('utf8', 0, 200)}`);
    }
    yield bytes.subarray(at + 4, at + length);
    at += length;
  }
}
