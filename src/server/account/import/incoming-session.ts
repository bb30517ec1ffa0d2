import { createHash } from 'node:crypto'
import type { ApiError } from '../../errors.ts'
import type { Recording } from '../../sessions/content.ts'
import { createRecordingSpool, type RecordingSpool } from '../../sessions/body/recording-spool.ts'
import { receiveSessionBody, type ReceivedBody } from '../../sessions/body/receive-session-body.ts'
import type { ArchivedFile } from '../archive.ts'
import { SESSION_JSON } from '../exported-files.ts'
import { damagedFile, invalidArchive, missingFile } from './errors.ts'
import { isRecording, type SessionPath } from './session-path.ts'

type Digest = Omit<ArchivedFile, 'path'>

export type IncomingSession = ReturnType<typeof createIncomingSession>

/**
 * Receives the files of one session, in any order. The recording and `session.json` go to spools; of the scores, which
 * `session.json` has as well, only digests are kept. The caller must close it.
 */
export function createIncomingSession({ folder, id }: SessionPath, maxRecordingBytes: number) {
  const arrived = new Map<string, Digest>()
  let text: ReceivedBody | undefined
  let recording: RecordingSpool | undefined
  let fault: unknown

  async function receive(name: string, content: AsyncIterable<Buffer>): Promise<void> {
    if (name === SESSION_JSON) text = await receiveSessionBody(content, maxRecordingBytes)
    else if (isRecording(name)) recording = await spool(content)
    else await drain(content)
  }

  async function spool(content: AsyncIterable<Buffer>): Promise<RecordingSpool> {
    const spool = createRecordingSpool(maxRecordingBytes)
    try {
      for await (const piece of content) await spool.append(piece.length, (target) => piece.copy(target))
      await spool.end()
      return spool
    } catch (error) {
      await spool.close()
      throw error
    }
  }

  const isRepeated = (name: string) => arrived.has(name) || (isRecording(name) && recording !== undefined)

  return {
    folder,
    id,

    /** Never throws: `read` throws the first failure. */
    async add(name: string, content: AsyncIterable<Buffer>): Promise<void> {
      try {
        if (isRepeated(name)) throw invalidArchive(`The folder ${folder} has ${name} twice.`)
        const { pieces, result } = digest(content)
        await receive(name, pieces)
        arrived.set(name, result())
      } catch (error) {
        fault ??= error
      }
    },

    /**
     * The session and its recording, after the last file.
     * @param parse parses `session.json`
     * @throws {ApiError} invalid_archive for a missing file, and for one that is not as `session.json` says; the
     * failures of the files and of `parse`
     */
    async read<T extends { files: ArchivedFile[] }>(
      parse: (text: ReceivedBody) => Promise<T>
    ): Promise<{ described: T; recording: Recording | null }> {
      if (fault) throw fault
      if (!text) throw missingFile(`${folder}/${SESSION_JSON}`)
      const described = await parse(text)
      const wrong = findDifference(described.files, arrived)
      if (wrong) throw wrong(folder)
      return { described, recording: (await recording?.result()) ?? null }
    },

    /** Frees memory and files. */
    async close(): Promise<void> {
      await Promise.all([text?.close(), recording?.close()])
    }
  }
}

function digest(content: AsyncIterable<Buffer>) {
  const hash = createHash('sha256')
  let bytes = 0
  async function* pieces() {
    for await (const piece of content) {
      hash.update(piece)
      bytes += piece.length
      yield piece
    }
  }
  return { pieces: pieces(), result: (): Digest => ({ bytes, sha256: hash.digest('hex') }) }
}

async function drain(content: AsyncIterable<Buffer>): Promise<void> {
  const pieces = content[Symbol.asyncIterator]()
  while (!(await pieces.next()).done);
}

type ErrorOf = (folder: string) => ApiError

/** Compares the files that have arrived with those that `session.json` lists. */
function findDifference(listed: ArchivedFile[], arrived: Map<string, Digest>): ErrorOf | undefined {
  const names = new Set([SESSION_JSON, ...listed.map(({ path }) => path)])
  for (const name of arrived.keys()) {
    if (!names.has(name)) {
      return (folder) => invalidArchive(`${SESSION_JSON} does not list ${folder}/${name}.`)
    }
  }
  for (const { path, bytes, sha256 } of listed) {
    const file = arrived.get(path)
    if (!file) return (folder) => missingFile(`${folder}/${path}`)
    if (file.bytes !== bytes || file.sha256 !== sha256) return (folder) => damagedFile(`${folder}/${path}`)
  }
  return undefined
}
