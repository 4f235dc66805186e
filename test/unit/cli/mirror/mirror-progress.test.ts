import { describe, expect, it } from 'vitest';
import { MirrorProgress } from '../../../../src/cli/mirror/mirror-progress.ts';
import { systemClock } from '../../../../src/lib/clock.ts';

/** What is seen on a terminal at the end: lines, the last one as it was drawn last. */
function seen(written: readonly string[]): string[] {
  const lines = [''];
  for (const part of written
    .join('')
    .replaceAll('\r\u001b[K', '\n\r')
    .split(/(\n\r?)/)) {
    if (part === '\n') lines.push('');
    else if (part === '\n\r') lines[lines.length - 1] = '';
    else lines[lines.length - 1] += part;
  }
  return lines;
}

function terminal({ isTTY = true, columns = 80, isShown = true } = {}) {
  const written: string[] = [];
  let now = 0;
  const clock = { ...systemClock, monotonic: () => now };
  const output = { isTTY, columns, write: (text: string) => written.push(text) };
  const progress = new MirrorProgress(output, clock, { isShown });
  return { progress, written, lines: () => seen(written), pass: (ms: number) => (now += ms) };
}

describe('progress on a terminal', () => {
  it('shows phase, part, amount and rate in one line', () => {
    using progress = terminal().progress;
    expect(progress).toBeDefined();
    const { progress: shown, lines, pass } = terminal();
    shown.phase('counting');
    shown.phase('relaying', 'pack 3/8');
    expect(lines()).toEqual(['relaying (pack 3/8)']);
    shown.relayed(3 * 2 ** 20);
    shown.phase('relaying', 'pack 3/8');
    pass(1_000);
    shown.relayed(2 ** 20);
    shown.phase('relaying', 'pack 3/8');
    expect(lines()).toEqual(['relaying (pack 3/8) 4.0 MiB, 1.0 MiB/s']);
    // Nothing moves while the target works: a rate that sinks would say that it is slow.
    shown.phase('waiting');
    pass(1_000);
    shown.phase('waiting');
    expect(lines()).toEqual(['waiting for the target 4.0 MiB']);
    shown[Symbol.dispose]();
    expect(lines()).toEqual(['']);
  });

  it('shows the last text of a remote, without characters that move the cursor', () => {
    const { progress, lines } = terminal();
    progress.phase('counting');
    progress.message('source', 'Counting: 10%\rCounting: \u001b[2J20%\r');
    progress.notice('first');
    expect(lines()).toEqual(['first', 'waiting for the source to select objects | source: Counting: 20%']);
    progress[Symbol.dispose]();
  });

  it('prints notices above the line, and is never wider than the terminal', () => {
    const { progress, lines } = terminal({ columns: 20 });
    progress.phase('waiting');
    progress.message('target', 'x'.repeat(100));
    progress.notice('one');
    progress.notice('two');
    expect(lines().slice(0, 2)).toEqual(['one', 'two']);
    expect(lines()[2]).toHaveLength(19);
    progress[Symbol.dispose]();
  });
});

describe('progress without a terminal, and with --json', () => {
  it.each([{ isTTY: false }, { isShown: false }])('prints only notices: %j', (options) => {
    const { progress, written } = terminal(options);
    progress.phase('relaying');
    progress.relayed(5);
    progress.message('target', 'hello\n');
    progress.notice('a notice');
    progress[Symbol.dispose]();
    expect(written).toEqual(['a notice\n']);
  });
});
