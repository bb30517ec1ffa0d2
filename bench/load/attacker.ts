/**
 * Opens connections, sends the same bytes on each, and reads the answers or does not. A connection that the server
 * closes is opened again, until the time is over.
 */
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { answerParent } from '../processes/script.ts'

export type AttackQuestion = {
  url: string
  connections: number
  /** What each connection sends at once: the first connection the first text, and so on, in turn. */
  texts: string[]
  /** What each connection sends after that, again and again. */
  trickle?: { piece: string; everyMs: number } | undefined
  /** Whether it reads what the server answers. */
  reads: boolean
  ms: number
}

/** Connections that were opened, those of them that the server has closed, and the statuses that were read. */
export type AttackResult = { opened: number; closed: number; statuses: Record<string, number> }

/** Before a connection is opened again. One that has read its answer is opened at once. */
const PAUSE_MS = 100

async function run({ url, connections, texts, trickle, reads, ms }: AttackQuestion): Promise<AttackResult> {
  const { hostname: host, port } = new URL(url)
  const payloads = texts.map((text) => Buffer.from(text))
  const result: AttackResult = { opened: 0, closed: 0, statuses: {} }
  const sockets = new Set<Socket>()
  let isOver = false

  function open(index: number) {
    if (isOver) return
    const socket = connect({ host, port: Number(port) }).setNoDelay()
    let isAnswered = false
    result.opened++
    sockets.add(socket)
    socket.on('error', () => {}) // followed by close
    socket.once('close', () => {
      sockets.delete(socket)
      if (!isOver) result.closed++
      setTimeout(open, isAnswered ? 0 : PAUSE_MS, index)
    })
    if (reads) {
      socket.once('data', (piece) => {
        isAnswered = true
        count(result, piece)
        socket.resume()
      })
    } else socket.pause()
    socket.write(payloads[index % payloads.length]!)
  }

  for (let index = 0; index < connections; index++) open(index)
  const timer = trickle && setInterval(() => sendPiece(sockets, trickle.piece), trickle.everyMs)
  await sleep(ms)
  isOver = true
  clearInterval(timer)
  for (const socket of sockets) socket.destroy()
  return result
}

function count({ statuses }: AttackResult, piece: Buffer) {
  const status = piece.toString('latin1', 9, 12)
  statuses[status] = (statuses[status] ?? 0) + 1
}

/** A connection that nobody reads notices by a write only that the server has closed it. */
function sendPiece(sockets: Set<Socket>, piece: string) {
  for (const socket of sockets) socket.write(piece)
}

answerParent('ready', (question) => run(question as AttackQuestion))
