import type { Clock } from '../lib/clock.ts';
import { displayUrl } from './display-url.ts';
import { shownHeader } from './secrets.ts';

/** Takes the lines of a trace. They contain no secrets. */
export type TraceSink = (line: string) => void;

/** Tells what becomes of each request, with the time since it began. */
export class HttpTrace {
  private readonly sink: TraceSink;
  private readonly clock: Clock;
  private requests = 0;

  constructor(sink: TraceSink, clock: Clock) {
    this.sink = sink;
    this.clock = clock;
  }

  /** Begins the trace of a request. @returns what takes its events */
  begin(method: string, url: URL, headers: Readonly<Record<string, string>>): (event: string) => void {
    this.requests += 1;
    const label = `http #${this.requests}`;
    const began = this.clock.monotonic();
    const tell = (event: string) =>
      this.sink(`${label} +${Math.round(this.clock.monotonic() - began)} ms: ${event}`);
    tell(`${method} ${displayUrl(url)}`);
    if (method === 'POST') {
      for (const [name, value] of Object.entries(headers)) tell(`  ${shownHeader(name, value)}`);
    }
    return tell;
  }
}

/**
 * The trace that an environment asks for: `CAIRN_HTTP_TRACE`, set to anything but nothing, `0`, `false`, `no` and `off`.
 * @param print takes a line
 */
export function traceOf(environment: Readonly<NodeJS.ProcessEnv>, print: TraceSink): TraceSink | undefined {
  const value = environment['CAIRN_HTTP_TRACE']?.trim().toLowerCase() ?? '';
  return ['', '0', 'false', 'no', 'off'].includes(value) ? undefined : print;
}
