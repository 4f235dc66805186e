import { expect, it } from 'vitest';
import { endpointReader } from '../../../../src/cli/mirror/mirror-endpoint.ts';

it.each(['git://127.0.0.1/x.git', 'elsewhere::/x', 'ftp://127.0.0.1/x.git', ''])(
  'reads "%s", which git alone reaches, or nobody, where a server is named',
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
