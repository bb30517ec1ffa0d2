// Generates the Prisma client, unless it exists for this schema and this version of Prisma. The CLI would
// need seconds to find that out.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'

const at = (path) => new URL(`../${path}`, import.meta.url)
const stamp = at('src/server/generated/prisma/.made-from')

const fingerprint = createHash('sha256')
  .update(readFileSync(at('prisma/schema.prisma')))
  .update(readFileSync(at('node_modules/prisma/package.json')))
  .digest('hex')

function read(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

if (read(stamp) !== fingerprint) {
  execFileSync(process.execPath, ['node_modules/prisma/build/index.js', 'generate', '--no-hints'], {
    cwd: at('.'),
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, PRISMA_HIDE_UPDATE_MESSAGE: '1' }
  })
  writeFileSync(stamp, fingerprint)
}
