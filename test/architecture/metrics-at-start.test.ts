import { describe, expect, it } from 'vitest';
import { Metrics } from '../../src/observability/metrics.ts';
import { REFUSAL_CLASSES } from '../../src/policy/refusal.ts';
import { readText } from './source-tree.ts';

/** Of these the values are learnt when the server starts, or they are set when they are asked for. */
const SET_LATER = ['cairn_build_info', 'cairn_queue_length'];

describe('metrics of a server that has done nothing yet (issue 11, point 23)', () => {
  it('have every series with the value 0, so that alarms see the first event', async () => {
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

it('the series of refused refs are the classes of refusals (issue 11, point 23)', async () => {
  const { values } = await new Metrics().refusedRefs.get();
  expect(values.map(({ labels }) => labels.reason)).toEqual(REFUSAL_CLASSES);
});
