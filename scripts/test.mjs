// Runs vitest; MILLRACE_TEST_REPORT names a file for the counts that CI adds up.
import { spawnSync } from 'node:child_process'

const args = process.argv.slice(2)
const report = process.env.MILLRACE_TEST_REPORT
// Reporters named here would stand in for those that a configuration names: one of its own writes the report by itself.
const reporting = report && !args.includes('--config') ? ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`] : []
const { status, error } = spawnSync('vitest', ['run', ...reporting, ...args], { stdio: 'inherit' })
if (error) console.error(error.message)
process.exit(status ?? 1)
