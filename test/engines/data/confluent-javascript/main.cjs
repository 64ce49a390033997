// What @confluentinc/kafka-javascript (librdkafka) sees of a broker: `<its folder> <servers>`; prints one JSON object, check by check.
const { callbackChecks } = require('./callbacks.cjs')
const { promiseChecks } = require('./promises.cjs')

async function main() {
  const [, , folder, servers] = process.argv
  const library = require(folder)
  const checks = { ...promiseChecks(library, servers), ...callbackChecks(library, servers) }
  const found = {}
  for (const [name, check] of Object.entries(checks)) {
    found[name] = await check().catch((failure) => `failed: ${failure.stack ?? failure}`)
  }
  console.log(JSON.stringify(found))
  process.exit(0)
}

void main()
