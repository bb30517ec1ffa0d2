/**
 * Implements the part of the storage API that a save needs and discards the bytes, so that no disk is
 * measured. Answers every question of the parent with the number of requests so far.
 */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { answerParent } from '../processes/script.ts'

const UPLOAD_SECONDS = 7200

function answerTo({ url = '' }: IncomingMessage) {
  const name = url.split('/').at(-1)
  if (url.includes('/bucket/')) return describeBucket(name)
  if (url.includes('/upload/sign/')) return { url: `/object/upload/sign/${name}?token=${createToken()}` }
  return { Id: randomUUID(), Key: url.split('/object/').at(-1) }
}

const describeBucket = (name = '') => ({
  id: name,
  public: !name.endsWith('-staging'),
  file_size_limit: null,
  allowed_mime_types: null
})

/** A token of an upload URL, of which only the expiry is read. */
function createToken() {
  const exp = Math.floor(Date.now() / 1000) + UPLOAD_SECONDS
  return `e30.${Buffer.from(JSON.stringify({ exp })).toString('base64url')}.sink`
}

let requests = 0

const server = createServer((request, response) => {
  requests++
  request
    .resume()
    .on('end', () =>
      response.setHeader('content-type', 'application/json').end(JSON.stringify(answerTo(request)))
    )
}).listen(0, '127.0.0.1')
await once(server, 'listening')
answerParent(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, () => requests)
