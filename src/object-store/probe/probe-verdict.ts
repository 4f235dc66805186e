import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { sha256 } from '../../lib/digest.ts';
import { CairnError, messageOf } from '../../lib/errors.ts';
import { makeFolder, PRIVATE_FOLDER } from '../../lib/make-folder.ts';
import { type Random, systemRandom } from '../../lib/random.ts';
import type { ProbeReport } from './probe.ts';

export interface VerdictOptions {
  /** A local folder whose content may be lost, for example the cache folder. */
  readonly folder: string;
  /** What was probed and by what: endpoint, bucket, prefix, version of Cairn. Another subject has another verdict. */
  readonly subject: readonly string[];
  /** How long a verdict is valid, in milliseconds; a day by default. */
  readonly maxAge?: number;
  readonly clock?: Clock;
  readonly random?: Random;
}

const ONE_DAY_MS = 24 * 60 * 60 * 1000;

const phase = z.object({ name: z.string(), ok: z.boolean(), seconds: z.number(), detail: z.string() });

/** Only stores that passed have a verdict file: a failed verdict is never kept. */
const verdictFile = z.object({
  subject: z.array(z.string()),
  at: z.number(),
  report: z.object({
    ok: z.literal(true),
    store: z.string(),
    phases: z.array(phase),
    unanswered: z.number(),
    seconds: z.number(),
    profile: z
      .object({
        ifMatch: z.enum(['quoted', 'unquoted']),
        multipart: z.enum(['conditional', 'unconditional']),
      })
      .exactOptional(),
  }),
});

/**
 * The verdict of an earlier probe that is younger than `maxAge`.
 * @returns undefined when there is none that is fresh enough
 */
export async function keptVerdict(options: VerdictOptions): Promise<ProbeReport | undefined> {
  const clock = options.clock ?? systemClock;
  const kept = await readVerdict(pathOf(options), options.subject);
  const age = kept === undefined ? Number.POSITIVE_INFINITY : clock.now() - kept.at;
  // A negative age: the clock was set back, so the age is not known.
  return kept !== undefined && age >= 0 && age < (options.maxAge ?? ONE_DAY_MS) ? kept.report : undefined;
}

/**
 * The verdict of an earlier probe if it is fresh enough, else of a new one. This makes restarts fast.
 * @returns the report, and whether it is an earlier one
 * @throws CairnError `unavailable` when a verdict cannot be saved
 */
export async function cachedVerdict(
  options: VerdictOptions,
  probe: () => Promise<ProbeReport>,
): Promise<{ readonly report: ProbeReport; readonly cached: boolean }> {
  const clock = options.clock ?? systemClock;
  const kept = await keptVerdict(options);
  if (kept !== undefined) return { report: kept, cached: true };
  const report = await probe();
  if (report.ok) {
    const verdict = { subject: options.subject, at: clock.now(), report };
    await writeVerdict(options, pathOf(options), JSON.stringify(verdict));
  }
  return { report, cached: false };
}

function pathOf({ folder, subject }: VerdictOptions): string {
  return join(folder, `probe-${sha256(Buffer.from(JSON.stringify(subject)))}.json`);
}

async function readVerdict(
  path: string,
  subject: readonly string[],
): Promise<z.infer<typeof verdictFile> | undefined> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch {
    // The file is missing or not readable: there is no verdict, and the store is probed.
    return undefined;
  }
  const { data } = verdictFile.safeParse(value);
  return data !== undefined && JSON.stringify(data.subject) === JSON.stringify(subject) ? data : undefined;
}

async function writeVerdict(options: VerdictOptions, path: string, text: string): Promise<void> {
  const draft = `${path}.${(options.random ?? systemRandom).hex(8)}`;
  try {
    await makeFolder(options.folder, PRIVATE_FOLDER);
    await writeFile(draft, text);
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined);
    throw new CairnError(
      'unavailable',
      `the folder ${options.folder} cannot be written: ${messageOf(error)}`,
      {
        cause: error,
      },
    );
  }
}
