import { connect, type Socket } from 'node:net'

/** Status of an answer; 0 when the connection was lost before its end. */
export type Answered = (status: number) => void

export type Connection = ReturnType<typeof openConnection>

type Target = { host: string; port: number; localAddress?: string | undefined }

/**
 * One connection of HTTP/1.1 that sends one request at a time. It knows what the servers of this benchmark
 * answer, and no more: an HTTP client costs several times as much CPU, which the measured server would lack.
 */
export function openConnection(target: Target) {
  let socket: Socket | undefined
  let answered: Answered | undefined
  let received: Buffer[] = []

  function open(): Socket {
    const opened = connect(target).setNoDelay()
    opened.on('data', (piece: Buffer) => read(opened, piece))
    opened.on('error', () => {}) // followed by close
    opened.on('close', () => {
      if (socket === opened) lose()
    })
    return opened
  }

  function read(from: Socket, piece: Buffer) {
    received.push(piece)
    const bytes = received.length === 1 ? piece : Buffer.concat(received)
    const answer = readAnswer(bytes)
    if (!answer) {
      received = [bytes]
      return
    }
    if (answer.isLast) {
      socket = undefined
      from.destroy()
    }
    finish(answer.status)
  }

  function lose() {
    socket = undefined
    finish(0)
  }

  function finish(status: number) {
    const tell = answered
    answered = undefined
    received = []
    tell?.(status)
  }

  return {
    /** @returns whether it was closed */
    open(): boolean {
      const wasClosed = socket === undefined
      socket ??= open()
      return wasClosed
    },

    send(request: Buffer, tell: Answered) {
      answered = tell
      socket ??= open()
      socket.write(request)
    },

    close() {
      const closing = socket
      socket = undefined
      closing?.destroy()
    }
  }
}

const LAST_CHUNK = Buffer.from('0\r\n\r\n')

/** @returns undefined until the whole answer is there */
function readAnswer(bytes: Buffer): { status: number; isLast: boolean } | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const head = bytes.toString('latin1', 0, end).toLowerCase()
  const status = Number(head.slice(9, 12))
  const length = /\r\ncontent-length: (\d+)/.exec(head)?.[1]
  const isWhole =
    length !== undefined
      ? bytes.length >= end + 4 + Number(length)
      : status === 204 || status === 304 || bytes.subarray(-LAST_CHUNK.length).equals(LAST_CHUNK)
  return isWhole ? { status, isLast: head.includes('\r\nconnection: close') } : undefined
}
