import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import type { Test } from 'tap'

export type CollectedSpan = {
  traceId: string
  spanId: string
  parentId: string
  name: string
  attributes: Record<string, unknown>
  isError: boolean
  resource: Record<string, unknown>
}

/**
 * An OpenTelemetry collector: OTLP over HTTP, in Protocol Buffers. `state.status` is how it answers, 0 not at all;
 * `bodies` are what it has received.
 */
export async function startTraceCollector(t: Test) {
  const state = { status: 200, path: '', headers: {} as NodeJS.Dict<string | string[]> }
  const bodies: Buffer[] = []
  const server = createServer(async (request, response) => {
    bodies.push(await buffer(request))
    Object.assign(state, { path: request.url, headers: request.headers })
    if (state.status !== 0) response.writeHead(state.status).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const stop = async () => {
    if (!server.listening) return
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
  t.teardown(stop)
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    state,
    bodies,
    stop,
    spans: (): CollectedSpan[] => bodies.flatMap(readSpans)
  }
}

/** Fields of a message by their number. */
type Message = Map<number, Array<Buffer | bigint>>

/** The spans of an `ExportTraceServiceRequest` (opentelemetry-proto, trace/v1/trace.proto). */
const readSpans = (body: Buffer): CollectedSpan[] =>
  messages(read(body), 1).flatMap((resourceSpans) => {
    const resource = attributes(messages(resourceSpans, 1).flatMap((message) => messages(message, 1)))
    return messages(resourceSpans, 2)
      .flatMap((scopeSpans) => messages(scopeSpans, 2))
      .map((span) => ({
        traceId: bytes(span, 1).toString('hex'),
        spanId: bytes(span, 2).toString('hex'),
        parentId: bytes(span, 4).toString('hex'),
        name: bytes(span, 5).toString(),
        attributes: attributes(messages(span, 9)),
        isError: messages(span, 15).some((status) => status.get(3)?.[0] === 2n),
        resource
      }))
  })

const messages = (message: Message, field: number): Message[] =>
  (message.get(field) ?? []).map((value) => read(value as Buffer))

const bytes = (message: Message, field: number): Buffer =>
  (message.get(field)?.[0] as Buffer | undefined) ?? Buffer.alloc(0)

const attributes = (pairs: Message[]): Record<string, unknown> =>
  Object.fromEntries(pairs.map((pair) => [bytes(pair, 1).toString(), valueOf(read(bytes(pair, 2)))]))

/** Strings and integers are all that the server sends. */
const valueOf = (value: Message): unknown =>
  value.has(1) ? bytes(value, 1).toString() : Number(value.get(3)?.[0] ?? Number.NaN)

/** Reads the fields of a message: varints, fixed numbers, and bytes with their length. */
function read(data: Buffer): Message {
  const message: Message = new Map()
  let at = 0
  const varint = () => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = data[at++] ?? 0
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return value
    }
  }
  const take = (length: number) => data.subarray(at, (at += length))
  while (at < data.length) {
    const tag = Number(varint())
    const wire = tag & 7
    const value = wire === 0 ? varint() : take(wire === 2 ? Number(varint()) : wire === 1 ? 8 : 4)
    message.set(tag >> 3, [...(message.get(tag >> 3) ?? []), value])
  }
  return message
}
