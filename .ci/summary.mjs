// Prints what vitest's JSON report says in one line: `N passed, N failed, N skipped`.
// Exit code 1 when anything failed, or when there is no report, or no test in it.
import { readFileSync } from 'node:fs';

/** A file that could not even be loaded has no failed test of its own: it counts as one. */
function countFailures(report) {
  const broken = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  );
  return report.numFailedTests + broken.length;
}

function summarize(path) {
  const report = JSON.parse(readFileSync(path, 'utf8'));
  const passed = report.numPassedTests;
  const failed = countFailures(report);
  return { passed, failed, skipped: report.numPendingTests + report.numTodoTests };
}

let counts;
try {
  counts = summarize(process.argv[2]);
} catch (error) {
  console.error(`no test report: ${error instanceof Error ? error.message : error}`);
  counts = { passed: 0, failed: 1, skipped: 0 };
}
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1;
