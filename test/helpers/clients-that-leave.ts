import { once } from 'node:events'
import type { IncomingMessage, Server } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Sends a request on each of `count` connections, and leaves. @returns how many requests stay in memory */
export async function countKept(server: Server, request: string, count = 30): Promise<number> {
  const requests: Array<WeakRef<IncomingMessage>> = []
  const note = (arrived: IncomingMessage) => requests.push(new WeakRef(arrived))
  server.on('request', note)
  for (let client = 0; client < count; client++) {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    socket.write(request)
    await once(server, 'request')
    socket.destroy()
  }
  server.off('request', note)
  await sleep(300) // the server notices, and answers
  collectGarbage()
  await sleep(0)
  collectGarbage()
  return requests.filter((arrived) => arrived.deref()).length
}
