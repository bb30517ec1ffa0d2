import type { Http, Transfer } from './api-http.ts'
import { recordingUnreachable } from './recording-unreachable.ts'
import type { CallOptions } from './storage-service.ts'

/** The token of an upload. `markRefused` notes that the storage did not accept it. */
export type UploadToken = { get: () => Promise<string>; markRefused: () => void }

/** Statuses of an upload that has ended or expired. */
export const ENDED = [404, 410]

type Request = Pick<Transfer, 'method' | 'url' | 'headers' | 'body' | 'onProgress'>

/**
 * The requests of TUS 1.0 (https://tus.io/protocols/resumable-upload) to Supabase Storage, each made once.
 *
 * @throws {StorageError} of each request: `network_error`; `recording_unreachable` with the status 404 or 410
 *   when the upload has ended or expired, with 503 after any other refusal (the next attempt uses a new
 *   token)
 */
export function createTus(http: Http, token: UploadToken, options: CallOptions) {
  async function send({ headers, ...request }: Request): Promise<Headers> {
    const authorized = { 'tus-resumable': '1.0.0', 'x-signature': await token.get(), ...headers }
    return http.once({ ...options, ...request, headers: authorized }, async ({ ok, status, headers }) => {
      if (ok) return headers
      if (ENDED.includes(status)) throw recordingUnreachable(status)
      if (status < 500) token.markRefused()
      throw recordingUnreachable(503)
    })
  }

  return {
    /** Begins an upload. Returns its URL. */
    async create(endpoint: string, bytes: number, metadata: Record<string, string>): Promise<string> {
      const pairs = Object.entries(metadata).map(([name, value]) => `${name} ${btoa(value)}`)
      const headers = { 'upload-length': String(bytes), 'upload-metadata': pairs.join(',') }
      const answer = await send({ method: 'POST', url: endpoint, headers })
      return new URL(required(answer, 'location'), endpoint).href
    },

    /** How many bytes have arrived. */
    async offset(url: string): Promise<number> {
      return Number(required(await send({ method: 'HEAD', url, headers: {} }), 'upload-offset'))
    },

    async append(
      url: string,
      offset: number,
      upload: { body: Blob; onProgress: Transfer['onProgress'] }
    ): Promise<void> {
      const type = { 'content-type': 'application/offset+octet-stream' }
      const { body, onProgress } = upload
      const headers = { ...type, 'upload-offset': String(offset) }
      await send({ method: 'PATCH', url, headers, body, ...(onProgress && { onProgress }) })
    }
  }
}

/** A gateway may hide headers from pages of other origins. */
function required(headers: Headers, name: string): string {
  const value = headers.get(name)
  if (value === null) throw recordingUnreachable(502)
  return value
}
