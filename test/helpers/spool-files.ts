import { existsSync } from 'node:fs'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'

const PREFIX = 'harmony-upload-'

/** Skips tests that inspect file descriptors. */
export const skipWithoutProc = !existsSync('/proc/self/fd') && 'needs /proc'

/**
 * Sets TMPDIR of this process to a directory of the test, and restores it at the end. Returns the directory.
 */
export function useOwnTemporaryDirectory(t: Test): string {
  const { TMPDIR } = process.env
  process.env['TMPDIR'] = t.testdir()
  t.teardown(() => {
    if (TMPDIR === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = TMPDIR
  })
  return tmpdir()
}

/** Counts the spool files that this process and its children hold open. */
export async function openSpoolFiles(): Promise<number> {
  const children = await readFile(`/proc/self/task/${process.pid}/children`, 'utf8').catch(() => '') // not available on every kernel
  const counts = await Promise.all(['self', ...children.split(' ').filter(Boolean)].map(countSpoolFiles))
  return counts.reduce((sum, count) => sum + count, 0)
}

async function countSpoolFiles(process: string): Promise<number> {
  const descriptors = await readdir(`/proc/${process}/fd`).catch(() => [])
  const targets = await Promise.all(
    descriptors.map((descriptor) => readlink(`/proc/${process}/fd/${descriptor}`).catch(() => ''))
  )
  return targets.filter((target) => target.startsWith(join(tmpdir(), PREFIX))).length
}

/** Names of spool files in the temporary directory; a spool file is unlinked right after it is opened. */
export const spoolFileNames = async () => (await readdir(tmpdir())).filter((name) => name.startsWith(PREFIX))
