import { createSign, generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

export const AUDIENCE = 'https://api.harmony-helper.test'

type Key = { kid: string; privateKey: KeyObject; jwk: Record<string, unknown> }
type Forgery = { header?: Record<string, unknown>; payload?: Record<string, unknown>; key?: Key }

export type TestIssuer = Awaited<ReturnType<typeof startTestIssuer>>

const createPair = () => generateKeyPairSync('rsa', { modulusLength: 2048 })

// A pair costs a tenth of a second or more. So the keys of a process share five: issuers start with the first,
// and of four keys that are created one after the other, each has another pair.
const pairs: Array<ReturnType<typeof createPair>> = []
const SPARE_PAIRS = 4
let created = 0

function keyWithPair(index: number, kid: string = randomUUID()): Key {
  const { privateKey, publicKey } = (pairs[index] ??= createPair())
  return { kid, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' } }
}

/** A signing key, with another pair than that with which an issuer starts. */
export const createKey = (kid?: string): Key => keyWithPair(1 + (created++ % SPARE_PAIRS), kid)

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

/**
 * A token signed with `key`. `header` and `payload` override the valid defaults; undefined omits a member.
 */
export function signToken(issuer: string, key: Key, { header, payload }: Forgery): string {
  const now = Math.floor(Date.now() / 1000)
  const signed = [
    part({ alg: 'RS256', typ: 'JWT', kid: key.kid, ...header }),
    part({ iss: issuer, aud: AUDIENCE, iat: now, exp: now + 3600, sub: `auth0|${randomUUID()}`, ...payload })
  ].join('.')
  return `${signed}.${createSign('RSA-SHA256').update(signed).sign(key.privateKey, 'base64url')}`
}

/**
 * An issuer that serves a key set as `state` says: `keys` are those it publishes, `mode` is how it answers,
 * `reads` counts the requests. `stop` and `start` make it unreachable and reachable again, on the same port.
 */
export async function startTestIssuer(t: Test) {
  const state = { keys: [keyWithPair(0)], mode: 'ok' as 'ok' | 'hang' | 'error' | 'garbage', reads: 0 }
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
    /** A token signed with the newest key. */
    token: (sub: string, forgery: Forgery = {}) =>
      signToken(issuer, forgery.key ?? state.keys.at(-1)!, {
        ...forgery,
        payload: { sub, ...forgery.payload }
      })
  }
}
