import { appendFileSync } from 'node:fs'
import { connect } from '../../src/client/index.ts'
import { users } from './client-pipeline.ts'

/** A service of its own, for tests that kill it: appends each user that it has handled to a file; `<file> <group>`. Addresses: the environment. */
const [, , file = '', group = ''] = process.argv
const millrace = await connect({ project: 'shop' })
const consumption = millrace.consume(users, { group, concurrency: 8, sessionTimeout: '6s' }, async ({ id, version }) => {
  if (!id.startsWith('crash-')) return
  await new Promise((resolve) => setTimeout(resolve, 1))
  appendFileSync(file, `${id} ${version}\n`)
})
await consumption.done
