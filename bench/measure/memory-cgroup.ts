import { randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** File names in the two cgroup versions. */
const INTERFACES = {
  v2: { limit: 'memory.max', peak: 'memory.peak', events: 'memory.events' },
  v1: { limit: 'memory.limit_in_bytes', peak: 'memory.max_usage_in_bytes', events: 'memory.oom_control' }
}

type Hierarchy = { version: keyof typeof INTERFACES; parent: string }

export type MemoryCgroup = Extract<ReturnType<typeof createMemoryCgroup>, { close: unknown }>

/**
 * Creates a cgroup that limits its processes, including the page cache of their files, to `bytes` of memory.
 * The kernel kills processes beyond the limit, as on a machine of that size. Needs Linux and root; otherwise
 * returns the reason.
 */
export function createMemoryCgroup(bytes: number) {
  if (process.platform !== 'linux') return { unavailable: 'cgroups need Linux' }
  if (process.getuid?.() !== 0) return { unavailable: 'creating a cgroup needs root' }
  const hierarchy = findHierarchy()
  if (!hierarchy) return { unavailable: 'there is no cgroup hierarchy with the memory controller' }

  const files = INTERFACES[hierarchy.version]
  const directory = join(hierarchy.parent, `harmony-helper-${randomUUID()}`)
  try {
    mkdirSync(directory)
    writeFileSync(join(directory, files.limit), String(bytes))
  } catch (error) {
    return { unavailable: `the cgroup could not be created (${(error as NodeJS.ErrnoException).code})` } // for example in a container
  }

  return {
    /** Wraps a command so that it runs in the cgroup. */
    enclose: (command: string[]) => [
      'sh',
      '-c',
      'echo $$ > "$0/cgroup.procs" && exec "$@"',
      directory,
      ...command
    ],

    /**
     * Peak usage in bytes, page cache included, which fills up to the limit with large files. NaN on old
     * kernels.
     */
    peak: () => Number(readIfThere(join(directory, files.peak)) || NaN),

    /** Number of processes that the out-of-memory killer ended. */
    oomKills: () => Number(/^oom_kill (\d+)$/m.exec(readIfThere(join(directory, files.events)))?.[1]),

    /** Removes the cgroup. Call it after all its processes have ended. */
    async close() {
      // The kernel counts an exited process for a short time.
      for (let attempt = 0; attempt < 20 && !removed(directory); attempt++) await sleep(100)
    }
  }
}

/**
 * v2: the root, because a group with processes cannot have limited children. v1: the group of this process.
 */
function findHierarchy(): Hierarchy | undefined {
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
