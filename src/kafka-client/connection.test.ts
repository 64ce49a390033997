import { describe, expect, it } from 'vitest'
import { apiVersions, encodeResponseFrame, heartbeat, metadata } from '../kafka-wire/index.ts'
import { listenTcp, silentLogger, systemClock } from '../platform/index.ts'
import { connectKafka } from './client.ts'
import { Connection } from './connection.ts'
import { FrameAssembler } from './frame-assembler.ts'
import { on, onMetadata, startScriptedBroker } from './scripted-broker.ts'

const options = {
  host: '127.0.0.1',
  clientId: 'test',
  tls: null,
  sasl: null,
  connectTimeoutMs: 1_000,
  requestTimeoutMs: 1_000,
  clock: systemClock,
  log: silentLogger,
}

describe('a connection', () => {
  it('answers pipelined requests in their order', async () => {
    let count = 0
    await using broker = await startScriptedBroker([on(heartbeat, () => ({ errorCode: count++ }))])
    const connection = await Connection.open({ ...options, port: broker.port })
    const body = { groupId: 'g', generationId: 1, memberId: 'm' }
    const answers = await Promise.all(Array.from({ length: 20 }, () => connection.request(heartbeat, 4, body)))
    expect(answers.map(({ errorCode }) => errorCode)).toEqual(Array.from({ length: 20 }, (_, i) => i))
    connection.close()
  })

  it('uses the highest version that both sides know, and says so when there is none', async () => {
    await using broker = await startScriptedBroker([on(heartbeat, () => ({ errorCode: 0 }), 2)])
    const connection = await Connection.open({ ...options, port: broker.port })
    expect(connection.version(heartbeat, 4)).toBe(2)
    expect(connection.version(heartbeat, 1)).toBe(1)
    expect(() => connection.version(metadata, 12)).toThrow(expect.objectContaining({ code: 'PROTOCOL' }))
    connection.close()
  })

  it('closes when a request times out, so that a late answer reaches nobody, and everything in flight may be tried again', async () => {
    await using broker = await startScriptedBroker([on(heartbeat, () => undefined)])
    const connection = await Connection.open({ ...options, port: broker.port })
    const body = { groupId: 'g', generationId: 1, memberId: 'm' }
    const first = connection.request(heartbeat, 4, body, 50)
    const second = connection.request(heartbeat, 4, body)
    await expect(first).rejects.toMatchObject({ code: 'TIMED_OUT', retriable: true })
    await expect(second).rejects.toMatchObject({ code: 'TIMED_OUT', retriable: true })
    await expect(connection.request(heartbeat, 4, body)).rejects.toMatchObject({ code: 'TIMED_OUT' })
    expect(connection.isOpen).toBe(false)
  })

  it('is not taken for silent while an answer comes, however slowly', async () => {
    const scripted = on(heartbeat, (_, socket) => {
      const frame = Buffer.concat(encodeResponseFrame(heartbeat, 4, 1, { errorCode: 7 }))
      const sendFrom = (at: number): void => {
        if (at >= frame.length || socket.destroyed) return
        socket.write(frame.subarray(at, at + 1))
        systemClock.after(30, () => sendFrom(at + 1))
      }
      sendFrom(0)
      return undefined
    })
    await using broker = await startScriptedBroker([scripted])
    const connection = await Connection.open({ ...options, port: broker.port })
    const body = { groupId: 'g', generationId: 1, memberId: 'm' }
    // Longer than each byte takes, shorter than all of them.
    expect(await connection.request(heartbeat, 4, body, 300)).toMatchObject({ errorCode: 7 })
    connection.close()
  })

  it('rejects what is in flight when the broker goes away', async () => {
    await using broker = await startScriptedBroker([on(heartbeat, (_, socket) => void socket.destroy())])
    const connection = await Connection.open({ ...options, port: broker.port })
    await expect(connection.request(heartbeat, 4, { groupId: 'g', generationId: 1, memberId: 'm' })).rejects.toMatchObject({
      code: 'UNREACHABLE',
      retriable: true,
    })
  })

  it('asks again in version 0 when the broker is too old for a newer ApiVersions', async () => {
    const asked: number[] = []
    const server = await listenTcp({
      host: '127.0.0.1',
      port: 0,
      onConnection: (socket) => {
        const assembler = new FrameAssembler((frame) => {
          const view = Buffer.from(frame)
          asked.push(view.readInt16BE(2))
          const errorCode = view.readInt16BE(2) === 0 ? 0 : 35
          const apiKeys = [{ apiKey: heartbeat.key, minVersion: 0, maxVersion: 1 }]
          for (const part of encodeResponseFrame(apiVersions, 0, view.readInt32BE(4), { errorCode, apiKeys })) socket.write(part)
        })
        socket.on('data', (chunk) => assembler.push(chunk))
      },
    })
    const connection = await Connection.open({ ...options, port: server.port })
    expect(asked).toEqual([3, 0])
    expect(connection.version(heartbeat, 4)).toBe(1)
    connection.close()
    await server.close()
  })

  it.each([
    ['HTTP', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['an answer nobody asked for', Buffer.from('0000000a0000ffff000000000000', 'hex')],
    ['an answer that ends too early', Buffer.from('000000060000000000000000', 'hex').subarray(0, 10)],
  ])('to something that speaks %s rejects PROTOCOL', async (_, bytes) => {
    const server = await listenTcp({ host: '127.0.0.1', port: 0, onConnection: (socket) => void socket.write(bytes) })
    await expect(Connection.open({ ...options, port: server.port })).rejects.toMatchObject({ code: 'PROTOCOL' })
    await server.close()
  })

  it('to something that never answers rejects UNREACHABLE within the connect time-out', async () => {
    const server = await listenTcp({ host: '127.0.0.1', port: 0, onConnection: () => undefined })
    await expect(Connection.open({ ...options, port: server.port, connectTimeoutMs: 50 })).rejects.toMatchObject({ code: 'UNREACHABLE' })
    await server.close()
  })
})

describe('connecting', () => {
  it('names every address that was tried', async () => {
    const [first, second] = [await closedPort(), await closedPort()]
    const connecting = connectKafka({ bootstrapServers: [`127.0.0.1:${first}`, `127.0.0.1:${second}`], clientId: 'test' })
    await expect(connecting).rejects.toMatchObject({
      code: 'UNREACHABLE',
      retriable: true,
      message: expect.stringMatching(new RegExp(`127.0.0.1:${first}, 127.0.0.1:${second}`)),
    })
  })

  it('goes on to the next address when one does not answer', async () => {
    await using broker = await startScriptedBroker((port) => [onMetadata(port, { t: 2 })])
    await using kafka = await connectKafka({ bootstrapServers: [`127.0.0.1:${await closedPort()}`, broker.address], clientId: 'test' })
    expect((await kafka.admin.metadata(['t'])).topics[0]?.partitions).toHaveLength(2)
  })

  it('survives the loss of its connections', async () => {
    await using broker = await startScriptedBroker((port) => [onMetadata(port, { t: 2 })])
    await using kafka = await connectKafka({ bootstrapServers: [broker.address], clientId: 'test' })
    broker.cut()
    expect((await kafka.admin.metadata()).topics.map(({ name }) => name)).toEqual(['t'])
  })

  it('is cancelled by its signal', async () => {
    const server = await listenTcp({ host: '127.0.0.1', port: 0, onConnection: () => undefined })
    const controller = new AbortController()
    const connecting = connectKafka({
      bootstrapServers: [`127.0.0.1:${server.port}`],
      clientId: 'test',
      connectTimeoutMs: 200,
      signal: controller.signal,
    })
    controller.abort()
    await expect(connecting).rejects.toMatchObject({ code: 'CANCELLED' })
    await server.close()
  })
})

async function closedPort(): Promise<number> {
  const server = await listenTcp({ host: '127.0.0.1', port: 0, onConnection: () => undefined })
  await server.close()
  return server.port
}
