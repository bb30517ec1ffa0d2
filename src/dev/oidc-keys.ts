import { createPrivateKey, randomBytes, sign as signBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { JWKStore } from 'oauth2-mock-server'

type Key = Awaited<ReturnType<JWKStore['generate']>>

/** The parts of a token to sign. They are not checked, so that tests can create invalid tokens. */
export interface TokenParts {
  /** Replaces the default `alg`, `typ` and `kid`; undefined omits one. A known `kid` selects its key. */
  header?: Record<string, unknown>
  payload: Record<string, unknown>
}

/** The issuer's keys. The newest one signs. All keys are published until they are removed. */
export interface SigningKeys {
  current(): string
  published(): object[]
  /** Creates a new signing key and returns its `kid`. */
  rotate(): Promise<string>
  /** Removes a key from the published keys. */
  remove(kid: string): void
  sign(token: TokenParts): string
}

async function load(store: JWKStore, keyFile: string): Promise<Key | undefined> {
  try {
    return await store.add(JSON.parse(await readFile(keyFile, 'utf8')))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new Error(
      `${keyFile} does not contain a signing key: delete the file, and the next start creates a new key`,
      {
        cause: error
      }
    )
  }
}

async function save(key: Key, keyFile: string) {
  await mkdir(dirname(keyFile), { recursive: true })
  await writeFile(keyFile, JSON.stringify(key), { mode: 0o600 })
}

function encode(part: Record<string, unknown>): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}

function signWith(key: Key, { header, payload }: TokenParts): string {
  const message = `${encode({ alg: 'RS256', typ: 'JWT', kid: key.kid, ...header })}.${encode(payload)}`
  const privateKey = createPrivateKey({ key: { ...key }, format: 'jwk' })
  return `${message}.${signBytes('RSA-SHA256', Buffer.from(message), privateKey).toString('base64url')}`
}

/** Creates the keys. With a `keyFile`, which keeps the signing key, tokens stay valid after a restart. */
export async function createSigningKeys(store: JWKStore, keyFile?: string): Promise<SigningKeys> {
  const keys = new Map<string, Key>()
  const removed = new Set<string>()
  let newest: Key

  const generate = async () => {
    const key = await store.generate('RS256', { kid: randomBytes(12).toString('hex') })
    if (keyFile !== undefined) await save(key, keyFile)
    return key
  }
  const adopt = (key: Key) => {
    newest = key
    keys.set(key.kid, key)
    return key.kid
  }
  adopt((keyFile !== undefined && (await load(store, keyFile))) || (await generate()))

  return {
    current: () => newest.kid,
    published: () =>
      store
        .toJSON()
        .filter(({ kid }) => !removed.has(kid))
        .map((key) => ({ use: 'sig', ...key })),
    rotate: async () => adopt(await generate()),
    remove: (kid) => {
      removed.add(kid)
    },
    sign: (token) => signWith(keys.get(String(token.header?.['kid'])) ?? newest, token)
  }
}
