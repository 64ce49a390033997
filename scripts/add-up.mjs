// Adds up the test reports of a CI run; the last line is "N passed, N failed". Anything missing or failed is a failure.
import { existsSync, readFileSync } from 'node:fs'

const [stepFailed, ...reports] = process.argv.slice(2)
let passed = 0
let failed = 0
for (const file of reports) {
  if (!existsSync(file)) {
    console.log(`no report of a suite: ${file}`)
    failed++
    continue
  }
  const report = JSON.parse(readFileSync(file, 'utf8'))
  passed += report.numPassedTests
  failed += report.numFailedTests
  for (const suite of report.testResults) {
    // A file that could not even be loaded counts no test.
    if (suite.status === 'failed' && suite.assertionResults.every((test) => test.status !== 'failed')) failed++
  }
}
if (stepFailed !== '0' && failed === 0) failed = 1
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 && passed > 0 ? 0 : 1)
