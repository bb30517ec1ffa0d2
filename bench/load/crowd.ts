/**
 * Sends the requests of many users over many connections: each connection sends the next one when the last is
 * answered (closed loop), or requests arrive at a fixed rate whatever the answers (open loop, with exponential
 * intervals) and take a connection that is free.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { answerParent } from '../processes/script.ts'
import { openConnection, type Connection } from './connection.ts'
import type { Call } from './requests.ts'

export type CrowdQuestion = {
  url: string
  calls: Array<Omit<Call, 'acceptEncoding'>>
  connections: number
  ms: number
  /** Requests a second for the open loop. */
  rate?: number
  /** Address from which to connect, such as 127.0.0.2. */
  localAddress?: string | undefined
}

/** When it was sent after the beginning, and how long the answer took, both in milliseconds. Status 0: no answer. */
export type Answer = { at: number; ms: number; status: number }

const TICK_MS = 1

async function run({ url, calls, connections, ms, rate, localAddress }: CrowdQuestion): Promise<Answer[]> {
  const { hostname: host, port } = new URL(url)
  const requests = calls.map((call) => encode(call, host))
  const target = { host, port: Number(port), localAddress }
  const all = Array.from({ length: connections }, () => openConnection(target))
  const answers: Answer[] = []
  const start = performance.now()
  let next = 0

  /** Sends the next request. `since`: when it was ready to be sent; it may have waited for a connection. */
  const send = (connection: Connection, since: number, done: () => void) =>
    connection.send(requests[next++ % requests.length]!, (status) => {
      answers.push({ at: since - start, ms: performance.now() - since, status })
      done()
    })

  const isOver = () => performance.now() - start >= ms
  await (rate === undefined ? sendClosed(all, { send, isOver }) : sendOpen(all, { send, isOver, rate }))
  for (const connection of all) connection.close()
  return answers
}

type Sending = {
  send: (connection: Connection, since: number, done: () => void) => void
  isOver: () => boolean
}

const sendClosed = (connections: Connection[], { send, isOver }: Sending) =>
  Promise.all(
    connections.map(
      (connection) =>
        new Promise<void>((resolve) => {
          const sendNext = () => (isOver() ? resolve() : send(connection, performance.now(), sendNext))
          sendNext()
        })
    )
  )

async function sendOpen(connections: Connection[], { send, isOver, rate }: Sending & { rate: number }) {
  const free = [...connections]
  /** When the requests were due that wait for a connection. A set, because the first of a long array is slow to remove. */
  const waiting = new Set<{ since: number }>()

  function dispatch(since: number) {
    const connection = free.pop()
    if (!connection) {
      waiting.add({ since })
      return
    }
    send(connection, since, () => {
      free.push(connection)
      const [first] = waiting
      if (!first) return
      waiting.delete(first)
      dispatch(first.since)
    })
  }

  for (let due = performance.now(); !isOver(); await sleep(TICK_MS)) {
    for (; due <= performance.now(); due += (-Math.log(1 - Math.random()) * 1000) / rate) {
      dispatch(performance.now())
    }
  }
  while (free.length < connections.length) await sleep(TICK_MS)
}

function encode({ path, token, body }: CrowdQuestion['calls'][number], host: string): Buffer {
  const head = [
    `${body === undefined ? 'GET' : 'POST'} ${path} HTTP/1.1`,
    `Host: ${host}`,
    `Authorization: Bearer ${token}`,
    ...(body === undefined
      ? []
      : ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`])
  ]
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body ?? ''}`)
}

answerParent('ready', (question) => run(question as CrowdQuestion))
