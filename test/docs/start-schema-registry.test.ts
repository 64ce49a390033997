import { startSchemaRegistry } from 'millrace/testing'
import { expect, test } from 'vitest'

test('a schema is registered once the registry is back', async () => {
  await using registry = await startSchemaRegistry()
  const schema = JSON.stringify({ type: 'record', name: 'Order', fields: [{ name: 'id', type: 'string' }] })
  const register = () =>
    fetch(`${registry.url}/subjects/orders-value/versions`, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      body: JSON.stringify({ schema }),
    })

  registry.failNext('POST', { status: 503, errorCode: 50003, message: 'the leader is moving' })
  expect((await register()).status).toBe(503)
  expect(await (await register()).json()).toEqual({ id: 1 })
})
