import { type StoreKind, startCairn } from '../cairn.ts';
import { behindProxy, callerAddress } from '../callers.ts';
import { issueSigner } from '../issues.ts';
import { RelayClient } from '../relay-client.ts';
import type { RowGroup, Values } from './row.ts';

/** Clients that publish at once. Each sends all it has, as one that catches up does. */
const PUBLISHERS = 64;
/** Well below what the relay takes from one connection at once. */
const EVENTS_EACH = 50;

/** Events through WebSockets into the log: verified, judged, durable, and answered. */
export function storeEvents(store: StoreKind): RowGroup {
  return {
    rows: [{ name: `relay-store-events/${store}`, unit: 'events/s', value: 'rate', alone: true }],
    runs: 5,
    warmUps: 1,
    async prepare(stage) {
      const host = await startCairn(stage.scratch('relay'), store, { access: 'signed', flags: behindProxy });
      await host.create('discussed');
      const sign = await issueSigner();
      const measure = async (run: number): Promise<Values> => {
        const clients = await Promise.all(
          Array.from({ length: PUBLISHERS }, async (_, place) => {
            const first = (run * PUBLISHERS + place) * EVENTS_EACH;
            const events = Array.from({ length: EVENTS_EACH }, (_, at) => sign('discussed', first + at, run));
            return {
              events,
              relay: await RelayClient.connect(host.url, callerAddress(run * PUBLISHERS + place)),
            };
          }),
        );
        const began = performance.now();
        await Promise.all(clients.map(({ relay, events }) => relay.publish(events)));
        const seconds = (performance.now() - began) / 1000;
        await Promise.all(clients.map(({ relay }) => relay.close()));
        return { rate: (PUBLISHERS * EVENTS_EACH) / seconds };
      };
      return { cairn: measure, close: () => host.stop() };
    },
  };
}
