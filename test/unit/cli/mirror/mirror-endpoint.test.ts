import { expect, it } from 'vitest';
import { endpointReader } from '../../../../src/cli/mirror/mirror-endpoint.ts';

it.each(['git://127.0.0.1/x.git', 'elsewhere::/x', 'ftp://127.0.0.1/x.git', ''])(
  'reads "%s" without credentials although a server is named: only git can access it, or nothing can',
  async (address) => {
    const environment = { CAIRN_SERVER: 'https://git.example.org' };
    const quiet = () => undefined;
    const read = endpointReader(
      {},
      {
        environment,
        print: quiet,
        warn: quiet,
        signal: new AbortController().signal,
      },
    );
    const { connection, ...rest } = await read('source', address);
    expect(rest).toEqual({ address });
    expect(connection?.credentials).toBeUndefined();
  },
);
