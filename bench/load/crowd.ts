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
  /** Closes each connection after its answer, as if every request were of somebody who has just arrived. */
  isNew?: boolean
}

/** When it was sent after the beginning, and how long the answer took, both in milliseconds. Status 0: no answer. */
export type Answer = { at: number; ms: number; status: number }

const TICK_MS = 1

/** The wait after opening connections: the server accepts one in each turn of its event loop. */
const SETTLE_MS = 300

type Target = Pick<CrowdQuestion, 'url' | 'localAddress'>

const kept = { target: '', connections: [] as Connection[] }

function createConnections({ url, localAddress }: Target, count: number): Connection[] {
  const { hostname: host, port } = new URL(url)
  return Array.from({ length: count }, () => openConnection({ host, port: Number(port), localAddress }))
}

/** Connections that stay open for the next question, as those of people who have the page open. */
async function keepConnections(target: Target, count: number): Promise<Connection[]> {
  const name = `${target.url} ${target.localAddress}`
  if (kept.target !== name) {
    for (const connection of kept.connections) connection.close()
    Object.assign(kept, { target: name, connections: [] })
  }
  kept.connections.push(...createConnections(target, Math.max(0, count - kept.connections.length)))
  const connections = kept.connections.slice(0, count)
  const opened = connections.filter((connection) => connection.open())
  if (opened.length > 0) await sleep(SETTLE_MS)
  return connections
}

async function run(question: CrowdQuestion): Promise<Answer[]> {
  const { url, calls, connections, ms, rate, isNew = false } = question
  const requests = calls.map((call) => encode(call, new URL(url).hostname))
  const all = isNew ? createConnections(question, connections) : await keepConnections(question, connections)
  const answers: Answer[] = []
  const start = performance.now()
  let next = 0

  /** Sends the next request. `since`: when it was ready to be sent; it may have waited for a connection. */
  const send = (connection: Connection, since: number, done: () => void) =>
    connection.send(requests[next++ % requests.length]!, (status) => {
      answers.push({ at: since - start, ms: performance.now() - since, status })
      if (isNew) connection.close()
      done()
    })

  const isOver = () => performance.now() - start >= ms
  await (rate === undefined ? sendClosed(all, { send, isOver }) : sendOpen(all, { send, isOver, rate }))
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
    const connection = free.shift() // in turn: the server closes a connection that is idle for a minute
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
