/**
 * Implements the part of the storage API that a save needs and discards the bytes, so that no disk is
 * measured.
 */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { answerParent } from '../processes/script.ts'

const answerTo = ({ url = '' }: IncomingMessage) =>
  url.includes('/bucket/')
    ? { id: url.split('/').at(-1), public: true, file_size_limit: null, allowed_mime_types: null }
    : { Id: randomUUID(), Key: url.split('/object/').at(-1) }

const server = createServer((request, response) => {
  request
    .resume()
    .on('end', () =>
      response.setHeader('content-type', 'application/json').end(JSON.stringify(answerTo(request)))
    )
}).listen(0, '127.0.0.1')
await once(server, 'listening')
answerParent(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
