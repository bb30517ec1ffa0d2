import { FORMAT, VERSION } from '../exported-files.ts'
import { invalidArchive } from './errors.ts'

const MAX_LINE_BYTES = 1024

/**
 * Reads the first line of a manifest, which tells how many sessions the archive has.
 * @throws {ApiError} invalid_archive for another format or version
 */
export async function readManifest(content: AsyncIterable<Buffer>): Promise<{ sessionCount: number }> {
  const { format, version, session_count: sessionCount } = parse(await readLine(content))
  if (format !== FORMAT || !Number.isInteger(version)) throw otherArchive()
  if (Number(version) > VERSION) {
    throw invalidArchive(
      'A newer server has exported this archive. This server must be updated to import it.'
    )
  }
  if (version !== VERSION || typeof sessionCount !== 'number') {
    throw invalidArchive('An older server has exported this archive. Update that server, and export again.')
  }
  return { sessionCount }
}

async function readLine(content: AsyncIterable<Buffer>): Promise<string> {
  let text = ''
  for await (const piece of content) {
    text += piece.toString('latin1', 0, MAX_LINE_BYTES)
    if (text.includes('\n') || text.length >= MAX_LINE_BYTES) break
  }
  return text.split('\n')[0] ?? ''
}

/** The line is the beginning of an object. */
function parse(line: string): Record<string, unknown> {
  try {
    return JSON.parse(line.replace(/,?$/, '}'))
  } catch (error) {
    throw otherArchive(error)
  }
}

/** The error for an archive that is no export of an account. */
export const otherArchive = (cause?: unknown) =>
  invalidArchive(
    'The archive is not an export of an account: manifest.json is missing or has another format.',
    cause
  )
