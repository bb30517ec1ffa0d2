import { randomUUID } from 'node:crypto'
import { unlinkSync } from 'node:fs'
import { open, readdir, unlink, type FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const PREFIX = 'harmony-upload-'

/** Opens a new temporary file and deletes its name, so that it ends with the process, however that ends. */
export async function openNamelessFile(): Promise<FileHandle> {
  const path = join(tmpdir(), PREFIX + randomUUID())
  const file = await open(path, 'wx+', 0o600)
  try {
    unlinkSync(path)
  } catch (error) {
    // Another server that starts may have deleted the name.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      await file.close()
      throw error
    }
  }
  return file
}

/**
 * Deletes the spool files of processes that died between creating a file and removing its name. It may also
 * remove names that running processes have just created and will remove anyway.
 */
export async function deleteAbandonedSpoolFiles(): Promise<void> {
  const names = await readdir(tmpdir())
  await Promise.allSettled(
    names.filter((name) => name.startsWith(PREFIX)).map((name) => unlink(join(tmpdir(), name)))
  )
}
