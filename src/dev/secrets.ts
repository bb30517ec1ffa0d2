import { randomBytes } from 'node:crypto'
import { chmod, readFile, writeFile } from 'node:fs/promises'

const OWNER_ONLY = 0o600

/** Returns the service key of the storage from the file. Creates the file at the first start. */
export async function keepServiceKey(file: string): Promise<string> {
  const key = `sb_secret_${randomBytes(24).toString('hex')}`
  await writeFile(file, key, { flag: 'wx', mode: OWNER_ONLY }).catch((error) => {
    if (error.code !== 'EEXIST') throw error
  })
  return readFile(file, 'utf8')
}

/** Writes a token that only the owner of the file can read. */
export async function writeToken(file: string, token: string): Promise<void> {
  await writeFile(file, `${token}\n`, { mode: OWNER_ONLY })
  await chmod(file, OWNER_ONLY) // `mode` has no effect on an existing file
}
