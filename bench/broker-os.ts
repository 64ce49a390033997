/** node bench/broker-os.ts <data folder> <port>: the broker with `flush: 'os'`, until SIGTERM. `bench/broker.ts` starts it. */
import { startBroker } from '../src/broker/index.ts'

const [dataDir = '', port = '0'] = process.argv.slice(2)
const broker = await startBroker({ dataDir, listeners: [{ host: '127.0.0.1', port: Number(port) }], flush: 'os' })
process.once('SIGTERM', () => void broker.close())
console.log(JSON.stringify({ address: broker.address }))
