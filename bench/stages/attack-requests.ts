/** The head of a request, without a token if there is none. `headers`: lines, each with its end. */
export const head = (line: string, token?: string, headers = '') =>
  `${line} HTTP/1.1\r\nHost: bench\r\n${token ? `Authorization: Bearer ${token}\r\n` : ''}${headers}\r\n`

const JSON_TYPE = 'Content-Type: application/json\r\n'
/** The head of a save. */
export const post = (token: string, headers: string) => head('POST /api/sessions', token, JSON_TYPE + headers)

/** One list on a connection. */
export const list = (token: string) => [head('GET /api/sessions', token, 'Connection: close\r\n')]

/** A body of 1.0 MB of which one percent is missing. */
export const unfinished = (token: string) =>
  post(token, 'Content-Length: 1000000\r\n') + `{"notes":"${'x'.repeat(990_000)}`

/** The body of a save with a score of so many characters. */
export const saveOf = (length: number) =>
  JSON.stringify({
    songName: 'Étude',
    instrument: 'Piano',
    duration: 60,
    xmlContent: '<note/>'.repeat(length / 7)
  })

/** One save of a score of 1 MB on a connection. */
export function wholeSave(token: string): string {
  const body = saveOf(980_000)
  return post(token, `Connection: close\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`) + body
}
