// Runs vitest; MILLRACE_TEST_REPORT names a file for the counts that CI adds up.
import { spawnSync } from 'node:child_process'

const report = process.env.MILLRACE_TEST_REPORT
const reporting = report ? ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`] : []
const { status, error } = spawnSync('vitest', ['run', ...reporting, ...process.argv.slice(2)], { stdio: 'inherit' })
if (error) console.error(error.message)
process.exit(status ?? 1)
