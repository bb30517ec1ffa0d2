import { createHash } from 'node:crypto'
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { ApiError } from '../../errors.ts'
import type { HashAnswer, HashRequest } from './hash-worker.ts'

/** How much of a file the thread is asked for at a time: each asking wakes it. */
const STRETCH_BYTES = 2 * 1024 * 1024

type Waiting = { resolve: (sha256: string) => void; reject: (error: Error) => void }

type Thread = {
  worker: Worker
  waiting: Map<number, Waiting>
  /** Why it is no more. */
  ended?: Error
}

export type HashThread = ReturnType<typeof createHashThread>

export type RecordingHash = ReturnType<HashThread['createHash']>

/**
 * Computes SHA-256 of spool files in a thread of its own, while more of them arrives: it would be an eighth of what a
 * large recording costs the main thread. The thread reads the file by itself, so no memory is handed over or shared.
 * Where it dies, the hashes it was at fail, and the next one starts another.
 */
export function createHashThread() {
  let current: Thread | undefined
  let isClosed = false
  let lastId = 0

  /** The thread, which is started if need be. @throws {ApiError} server_busy where it cannot be */
  function running(): Thread {
    try {
      if (isClosed) throw new Error('The server is closing')
      current ??= start()
      return current
    } catch (cause) {
      throw busy(cause)
    }
  }

  function start(): Thread {
    // The same file in src/ and in dist/.
    const worker = new Worker(new URL(`./hash-worker${extname(import.meta.url)}`, import.meta.url), {
      resourceLimits: { maxYoungGenerationSizeMb: 2 }
    })
    const thread: Thread = { worker, waiting: new Map() }
    worker.on('message', ({ id, sha256, error }: HashAnswer) => {
      const waiting = thread.waiting.get(id)
      thread.waiting.delete(id)
      if (sha256 === undefined) waiting?.reject(new Error(error))
      else waiting?.resolve(sha256)
    })
    worker.on('error', (error) => end(thread, error))
    worker.on('exit', () => end(thread, new Error('The thread that hashes has ended')))
    return thread
  }

  function end(thread: Thread, error: Error) {
    thread.ended ??= error // of which the exit follows
    if (current === thread) current = undefined
    for (const { reject } of thread.waiting.values()) reject(error)
    thread.waiting.clear()
  }

  function ask({ worker, waiting, ended }: Thread, request: HashRequest): Promise<string> {
    return new Promise((resolve, reject) => {
      if (ended) return reject(ended)
      worker.postMessage(request)
      waiting.set(request.id, { resolve, reject })
    })
  }

  return {
    /** Starts the thread, so that the first recording need not wait for it. @throws {ApiError} server_busy */
    start() {
      running()
    },

    /** The hash of one recording to be: of what is in memory as a whole, or of a file as it grows. */
    createHash() {
      const id = ++lastId
      let thread: Thread | undefined
      let bytes: Uint8Array | undefined
      let file = -1
      let size = 0
      let asked = 0
      let result: Promise<string> | undefined

      return {
        /** All there is, in memory. */
        useMemory(all: Uint8Array) {
          bytes = all
        },

        /**
         * There is a file, and it will not change any more up to `end`. Must be closed after `settled` only.
         * @throws {ApiError} server_busy where no thread can be started
         */
        useFile(fd: number, end: number) {
          file = fd
          size = end
          // Another thread would not know what came before.
          thread ??= running()
          if (end - asked < STRETCH_BYTES) return
          thread.worker.postMessage({ id, fd, start: asked, end, isLast: false } satisfies HashRequest)
          asked = end
        },

        /** The file is written from its start again. */
        restart() {
          size = asked = 0
        },

        /** In lower-case hexadecimal; the last call but `settled`. @throws {ApiError} server_busy */
        digest(): Promise<string> {
          if (!thread) {
            return Promise.resolve(
              createHash('sha256')
                .update(bytes ?? '')
                .digest('hex')
            )
          }
          result ??= ask(thread, { id, fd: file, start: asked, end: size, isLast: true }).catch((cause) => {
            throw busy(cause)
          })
          return result
        },

        /** Resolves when the file is not read any more. */
        async settled() {
          if (thread) await this.digest().catch(() => {})
        }
      }
    },

    /** Ends the thread for good. */
    async close() {
      isClosed = true
      await current?.worker.terminate()
    }
  }
}

const busy = (cause: unknown) =>
  new ApiError(
    'server_busy',
    'The server could not check the recording at this moment. Repeat the request soon.',
    { cause }
  )
