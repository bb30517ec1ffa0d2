import { randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** Where the kernel's two interfaces keep the same things. */
const INTERFACES = {
  v2: { limit: 'memory.max', peak: 'memory.peak', events: 'memory.events' },
  v1: { limit: 'memory.limit_in_bytes', peak: 'memory.max_usage_in_bytes', events: 'memory.oom_control' }
}

type Place = { version: keyof typeof INTERFACES; parent: string }

export type MemoryCgroup = Extract<ReturnType<typeof createMemoryCgroup>, { close: unknown }>

/**
 * A cgroup that holds what runs in it to `bytes` of memory: the processes and the page cache of their files. What grows
 * beyond is killed by the kernel, as on a machine of that size. Linux, as root; elsewhere the answer says what is missing.
 */
export function createMemoryCgroup(bytes: number) {
  if (process.platform !== 'linux') return { unavailable: 'cgroups are Linux only' }
  if (process.getuid?.() !== 0) return { unavailable: 'only root can make a cgroup' }
  const place = findPlace()
  if (!place) return { unavailable: 'there is no cgroup hierarchy with the memory controller' }

  const files = INTERFACES[place.version]
  const directory = join(place.parent, `harmony-helper-${randomUUID()}`)
  try {
    mkdirSync(directory)
    writeFileSync(join(directory, files.limit), String(bytes))
  } catch (error) {
    return { unavailable: `a cgroup cannot be made (${(error as NodeJS.ErrnoException).code})` } // as in most containers
  }

  return {
    /** Makes a command one that runs inside. */
    enclose: (command: string[]) => [
      'sh',
      '-c',
      'echo $$ > "$0/cgroup.procs" && exec "$@"',
      directory,
      ...command
    ],

    /** Bytes at their highest, page cache included: with large files that is the limit. NaN where the kernel is too old to tell. */
    peak: () => Number(readIfThere(join(directory, files.peak)) || NaN),

    /** Processes that the kernel killed for lack of memory. */
    oomKills: () => Number(/^oom_kill (\d+)$/m.exec(readIfThere(join(directory, files.events)))?.[1]),

    /** Once nothing runs inside any more. */
    async close() {
      // For a moment the kernel still counts a process that has exited.
      for (let attempt = 0; attempt < 20 && !removed(directory); attempt++) await sleep(100)
    }
  }
}

/** v2: at the root, as groups that have processes cannot share their memory out. v1: within our own group. */
function findPlace(): Place | undefined {
  for (const line of readIfThere('/proc/self/mountinfo').split('\n')) {
    const [, mount = '', type, options = ''] = /^(?:\S+ ){4}(\S+) .* - (\S+) \S+ (\S+)$/.exec(line) ?? []
    if (
      type === 'cgroup2' &&
      readIfThere(join(mount, 'cgroup.subtree_control')).split(/\s/).includes('memory')
    ) {
      return { version: 'v2', parent: mount }
    }
    if (type === 'cgroup' && options.split(',').includes('memory')) {
      return { version: 'v1', parent: join(mount, ownGroup()) }
    }
  }
}

const ownGroup = () => /^\d+:(?:.*,)?memory(?:,.*)?:(.*)$/m.exec(readIfThere('/proc/self/cgroup'))?.[1] ?? ''

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function removed(directory: string): boolean {
  try {
    rmdirSync(directory)
    return true
  } catch {
    return false
  }
}
