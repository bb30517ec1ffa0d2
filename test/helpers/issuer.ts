import { createSign, generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

export const AUDIENCE = 'https://api.harmony-helper.test'

type Key = { kid: string; privateKey: KeyObject; jwk: Record<string, unknown> }
type Forgery = { header?: Record<string, unknown>; payload?: Record<string, unknown>; key?: Key }

export type TestIssuer = Awaited<ReturnType<typeof startTestIssuer>>

export function createKey(kid: string = randomUUID()): Key {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return { kid, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' } }
}

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A token signed with `key`; `header` and `payload` override what an honest issuer would write. Undefined leaves out. */
export function signToken(issuer: string, key: Key, { header, payload }: Forgery): string {
  const now = Math.floor(Date.now() / 1000)
  const signed = [
    part({ alg: 'RS256', typ: 'JWT', kid: key.kid, ...header }),
    part({ iss: issuer, aud: AUDIENCE, iat: now, exp: now + 3600, sub: `auth0|${randomUUID()}`, ...payload })
  ].join('.')
  return `${signed}.${createSign('RSA-SHA256').update(signed).sign(key.privateKey, 'base64url')}`
}

/**
 * An issuer whose every move the test decides: which keys it publishes, whether it answers, hangs, fails or is away.
 * It counts how often its keys were read.
 */
export async function startTestIssuer(t: Test) {
  const state = { keys: [createKey()], mode: 'ok' as 'ok' | 'hang' | 'error' | 'garbage', reads: 0 }
  let server: Server
  let port = 0

  async function start() {
    server = createServer((_request, response) => {
      state.reads++
      if (state.mode === 'hang') return
      if (state.mode === 'error') response.statusCode = 500
      response.end(
        state.mode === 'garbage' ? '<html>' : JSON.stringify({ keys: state.keys.map(({ jwk }) => jwk) })
      )
    }).listen(port, '127.0.0.1')
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
  }

  async function stop() {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }

  await start()
  t.teardown(() => (server.listening ? stop() : undefined))
  const issuer = `http://127.0.0.1:${port}/`
  return {
    issuer,
    state,
    start,
    stop,
    /** A token of the newest key. */
    token: (sub: string, forgery: Forgery = {}) =>
      signToken(issuer, forgery.key ?? state.keys.at(-1)!, {
        ...forgery,
        payload: { sub, ...forgery.payload }
      })
  }
}
