import { startBroker } from '../index.ts'

/** A broker in a process of its own, for tests that kill it: `<data folder> <port>`; prints its address. */
const [, , dataDir = '', port = '0'] = process.argv
const broker = await startBroker({ dataDir, listeners: [{ host: '127.0.0.1', port: Number(port) }] })
process.stdout.write(`${broker.address} ${broker.recovered.records}\n`)
