import { spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify'
import type { Test } from 'tap'
import { loadConfig } from '../../src/server/config.ts'
import { createDatabase } from '../../src/server/database/client.ts'
import { createStorage } from '../../src/server/storage/storage.ts'
import { limitMemory } from './server-command.ts'

const program = fileURLToPath(new URL('app-process.mjs', import.meta.url))

/**
 * Starts the built app in a separate process with limited memory and calls it over HTTP. Provides `inject`,
 * `listen`, `close`, and of `server` the address and the `request` event; `database` and `storage` belong to
 * the test's process.
 */
export async function startRemoteApp(
  t: Test,
  env: NodeJS.ProcessEnv,
  now?: () => Date
): Promise<FastifyInstance> {
  const [command, ...args] = limitMemory(t, [program, ...(now ? [String(now().getTime())] : [])])
  const child = spawn(command, args, {
    env: { PATH: process.env['PATH'], TMPDIR: process.env['TMPDIR'], ...env },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc']
  })
  const exited = once(child, 'exit')
  const ended = exited.then(() => {
    throw new Error('The app ended before it listened')
  })
  const [port] = (await Promise.race([once(child, 'message'), ended])) as [number]
  ended.catch(() => {})
  const server = Object.assign(new EventEmitter(), { address: () => ({ port }) })
  child.on('message', () => server.emit('request'))

  async function inject(options: string | InjectOptions): Promise<LightMyRequestResponse> {
    const {
      method = 'GET',
      url,
      headers,
      payload
    } = typeof options === 'string' ? ({ url: options } as InjectOptions) : options
    const isText = typeof payload === 'string' || Buffer.isBuffer(payload) || payload === undefined
    const body = isText ? payload : JSON.stringify(payload)
    const { pathname, search } = new URL(String(url), 'http://localhost')
    const outgoing = request({
      port,
      host: '127.0.0.1',
      method,
      path: pathname + search,
      agent: false,
      headers: {
        ...(!isText && { 'content-type': 'application/json' }),
        ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }),
        ...(now && { 'x-test-now': now().getTime() }),
        ...(headers as Record<string, string>)
      }
    })
    const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>
    outgoing.on('error', () => {}) // the server may answer and close before the body is sent
    outgoing.end(body)
    const [response] = await answered.catch((error: Error) => {
      throw new Error(
        `${method} ${pathname}: ${error.message}, server: ${child.exitCode ?? child.signalCode ?? 'running'}`
      )
    })
    const rawPayload = await buffer(response)
    const text = rawPayload.toString()
    return {
      statusCode: response.statusCode,
      headers: response.headers,
      rawPayload,
      payload: text,
      body: text,
      json: () => JSON.parse(text)
    } as LightMyRequestResponse
  }

  const config = loadConfig(env)
  const database = createDatabase(config.database)
  const storage = createStorage(config.storage, config)

  async function close() {
    if (child.connected) child.disconnect()
    await Promise.all([exited, database.close(), storage.close()])
  }

  return {
    inject,
    close,
    server,
    database,
    storage,
    ready: async () => {},
    listen: async () => `http://127.0.0.1:${port}`
  } as unknown as FastifyInstance
}
