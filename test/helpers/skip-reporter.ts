import type { Reporter, TestCase } from 'vitest/node';

/** Says of every skipped test why: a suite must not grow quiet without anybody noticing. */
export class SkipReporter implements Reporter {
  onTestCaseResult(test: TestCase): void {
    const result = test.result();
    if (result.state !== 'skipped') return;
    console.log(`skipped: ${test.fullName}: ${result.note ?? 'no reason was given'}`);
  }
}
