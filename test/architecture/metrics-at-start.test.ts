import { describe, expect, it } from 'vitest';
import { REFUSAL_CLASSES, refusalClass } from '../../src/observability/initial-values.ts';
import { Metrics } from '../../src/observability/metrics.ts';
import { readText } from './source-tree.ts';

/** Of these the values are learnt when the server starts, or they are set when they are asked for. */
const SET_LATER = ['cairn_build_info', 'cairn_queue_length'];

describe('metrics of a server that has done nothing yet (issue 11, point 23)', () => {
  it('have every series with 0, so that alarms see the first event', async () => {
    const own = (await new Metrics().registry.getMetricsAsJSON()).filter(({ name }) =>
      name.startsWith('cairn_'),
    );
    const missing = own.filter(({ name, values }) => values.length === 0 && !SET_LATER.includes(name));
    expect(missing.map(({ name }) => name)).toEqual([]);
    for (const { name, values } of own) {
      expect(
        values.filter(({ value }) => value !== 0),
        name,
      ).toEqual([]);
    }
    const text = await new Metrics().scrape();
    for (const series of [
      'cairn_publishes_total{outcome="unknown"} 0',
      'cairn_folds_total{outcome="failed"} 0',
      'cairn_http_requests_total{route="git git-upload-pack",status="503"} 0',
      'cairn_store_requests_total{traffic="control",operation="put",outcome="unknown"} 0',
      'cairn_push_refused_refs_total{reason="server"} 0',
    ]) {
      expect(text).toContain(`${series}\n`);
    }
  });

  it('have labels with documented values only', async () => {
    const page = readText('docs/reference/metrics.md');
    const own = (await new Metrics().registry.getMetricsAsJSON()).filter(({ name }) =>
      name.startsWith('cairn_'),
    );
    const values = new Set(
      own.flatMap((metric) =>
        metric.values.flatMap(({ labels }) =>
          Object.entries(labels).flatMap(([label, value]) => (label === 'le' ? [] : [String(value)])),
        ),
      ),
    );
    expect(values.size).toBeGreaterThan(50);
    expect([...values].filter((value) => !page.includes(`\`${value}\``))).toEqual([]);
  });
});

describe('reasons of refusals (issue 11, point 23)', () => {
  const page = readText('docs/reference/errors.md');
  const section = page.slice(page.indexOf('## Why a ref is refused'), page.indexOf('## At start'));
  const reasons = section
    .split('\n')
    .flatMap((line) => /^\| (`.*?`) \|/.exec(line)?.[1] ?? [])
    .flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, reason = '']) => reason));

  it('that are documented all have a class', () => {
    expect(reasons.length).toBeGreaterThan(40);
    expect(reasons.filter((reason) => refusalClass(reason) === 'other')).toEqual([]);
  });

  it.each([
    ['it was updated meanwhile, fetch first', 'overtaken'],
    ['protected: only the owner may push here', 'protected'],
    ['missing necessary objects', 'object'],
    ['the object store did not accept d00d.pack', 'server'],
    ['busy, try again', 'busy'],
    ['pack exceeds maximum allowed size', 'limit'],
    ['no signed state is waiting for this push: …', 'signed state'],
    ['inflate returned -3', 'pack'],
    ['your key is neither the owner of this repository nor one of its maintainers', 'identity'],
    ['something nobody has thought of', 'other'],
  ] as const)('%j is counted as %s', (reason, expected) => {
    expect(refusalClass(reason)).toBe(expected);
    expect(REFUSAL_CLASSES).toContain(expected);
  });
});
