type Headers = Record<string, string>

const PROTOCOL = { 'tus-resumable': '1.0.0' }

const base64 = (text: string) => Buffer.from(text).toString('base64')

/** The header `Upload-Metadata` (TUS 1.0, "Creation"). */
export const uploadMetadata = (values: Record<string, string>) =>
  Object.entries(values)
    .map(([name, value]) => `${name} ${base64(value)}`)
    .join(',')

/** Requests of TUS 1.0 to one endpoint. `headers` authorize each of them. */
export function createTus(endpoint: string, headers: Headers) {
  const send = (method: string, url: string, more: Headers, body?: Buffer) =>
    fetch(url, {
      method,
      headers: { ...PROTOCOL, ...headers, ...more },
      ...(body && { body: new Uint8Array(body) })
    })

  return {
    /** Begins an upload of `bytes` bytes; the answer's `Location` is its URL. */
    create: (bytes: number, metadata: Record<string, string>, more: Headers = {}) =>
      send('POST', endpoint, {
        'upload-length': String(bytes),
        'upload-metadata': uploadMetadata(metadata),
        ...more
      }),
    offset: (url: string) => send('HEAD', url, {}),
    append: (url: string, offset: number, bytes: Buffer) =>
      send(
        'PATCH',
        url,
        { 'upload-offset': String(offset), 'content-type': 'application/offset+octet-stream' },
        bytes
      ),
    end: (url: string) => send('DELETE', url, {})
  }
}
