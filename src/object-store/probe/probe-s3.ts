import { systemClock } from '../../lib/clock.ts';
import { systemRandom } from '../../lib/random.ts';
import { findIfMatch, findMultipart } from '../s3/find-s3-profile.ts';
import { openS3, type S3Options } from '../s3/s3.ts';
import { type S3Profile, STANDARD_PROFILE } from '../s3/s3-profile.ts';
import { failedReport, type ProbeOptions, type ProbeReport, probeStore } from './probe.ts';

/**
 * Finds how an S3 store differs from AWS, and probes it in the way Cairn uses it. Pass the profile of the report to
 * `openS3`. Multipart writes come last: weak servers crash on them, and the other results are known by then.
 * @param store name of the store in the report
 */
export async function probeS3(
  options: S3Options,
  store: string,
  probe: ProbeOptions = {},
): Promise<ProbeReport & { readonly profile: S3Profile }> {
  const clock = probe.clock ?? systemClock;
  const finding = { options, clock, random: probe.random ?? systemRandom };
  const started = clock.monotonic();
  const seconds = () => (clock.monotonic() - started) / 1000;
  const failed = (error: unknown) => ({
    ...failedReport(store, 'probe/', error, seconds()),
    profile: STANDARD_PROFILE,
  });
  let ifMatch: S3Profile['ifMatch'];
  try {
    ifMatch = await findIfMatch(finding);
  } catch (error) {
    return failed(error);
  }
  const single: S3Profile = { ifMatch, multipart: 'unconditional' };
  const { control, bulk } = openS3({ ...options, profile: single });
  let report: ProbeReport;
  try {
    report = await probeStore([control, bulk], store, probe);
  } finally {
    await Promise.all([control.close(), bulk.close()]);
  }
  if (!report.ok) return { ...report, profile: single };
  try {
    const profile = { ...single, multipart: await findMultipart(finding) };
    return { ...report, seconds: seconds(), profile };
  } catch (error) {
    return failed(error);
  }
}
