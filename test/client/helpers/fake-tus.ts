import { randomUUID } from 'node:crypto'

type TusRequest = { method: string; path: string; headers: NodeJS.Dict<string | string[]>; bytes: Buffer }
type Upload = { name: string; length: number; arrived: Buffer[]; isEnded?: boolean }

export const TUS_PATH = '/storage/resumable'

/**
 * The part of TUS 1.0 that the client uses. A chunk arrives whole or not at all, as on hosted Supabase.
 * `finish` gets the object name and the bytes of an upload that is complete.
 */
export function createFakeTus(finish: (name: string, bytes: Buffer) => void) {
  const uploads = new Map<string, Upload>()
  /** The requests since the last call of `taken`: the method, and of a chunk its position and size. */
  let log: string[] = []

  function handle({ method, path, headers, bytes }: TusRequest) {
    const offset = Number(headers['upload-offset'])
    log.push(method === 'PATCH' ? `PATCH ${offset}+${bytes.length}` : method)
    if (headers['tus-resumable'] !== '1.0.0') return { status: 412 }
    if (!String(headers['x-signature']).startsWith('valid')) return { status: 400, body: 'Invalid token' }
    return method === 'POST' ? create(headers) : continued(path, { method, offset, bytes })
  }

  function create(headers: TusRequest['headers']) {
    const pairs = String(headers['upload-metadata']).split(',')
    const values = Object.fromEntries(pairs.map((pair) => pair.split(' ')))
    const url = `${TUS_PATH}/${randomUUID()}`
    const name = Buffer.from(values['objectName'], 'base64').toString()
    uploads.set(url, { name, length: Number(headers['upload-length']), arrived: [] })
    return { status: 201, headers: { location: url } }
  }

  function continued(
    path: string,
    { method, offset, bytes }: { method: string; offset: number; bytes: Buffer }
  ) {
    const upload = uploads.get(path)
    if (!upload) return { status: 404 }
    if (upload.isEnded) return { status: 410 }
    const size = () => upload.arrived.reduce((sum, { length }) => sum + length, 0)
    if (method === 'HEAD') return { status: 200, headers: { 'upload-offset': String(size()) } }
    if (offset !== size()) return { status: 409 }
    upload.arrived.push(bytes)
    if (size() === upload.length) {
      upload.isEnded = true
      finish(upload.name, Buffer.concat(upload.arrived))
    }
    return { status: 204, headers: { 'upload-offset': String(size()) } }
  }

  return {
    handle,
    forget: () => uploads.clear(),
    taken: () => {
      const taken = log
      log = []
      return taken
    }
  }
}
