import { Agent, get } from 'node:http';
import { CairnError } from '../../src/lib/errors.ts';

/** A client that reads pages over connections that stay open, as a browser does, and throws them away. */
export class PageClient implements AsyncDisposable {
  readonly #agent: Agent;

  /** @param connections at most */
  constructor(connections = 1) {
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  /** Reads a page to its end. @returns its bytes @throws CairnError `unavailable` for every status but 200 */
  read(url: string): Promise<number> {
    return new Promise((resolve, reject) => {
      const request = get(url, { agent: this.#agent }, (response) => {
        let bytes = 0;
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
        });
        response.on('error', reject);
        response.on('end', () => {
          if (response.statusCode === 200) resolve(bytes);
          else reject(new CairnError('unavailable', `${url} answered ${response.statusCode}`));
        });
      });
      request.on('error', reject);
    });
  }

  /** Reads pages one after the other. @returns seconds for each, in the middle of the run */
  async timed(urls: readonly string[]): Promise<number> {
    const began = performance.now();
    for (const url of urls) await this.read(url);
    return (performance.now() - began) / 1000 / urls.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy();
  }
}
