import { readFileSync, writeFileSync } from 'node:fs'

const KILOBYTE = 1024

/** USER_HZ, the unit of /proc/PID/stat. */
const TICKS_PER_SECOND = 100

export type ProcessMeter = ReturnType<typeof createProcessMeter>

/** Only Linux reports the usage of another process. */
export const canMeter = process.platform === 'linux'

/** Reads the resource usage of a process. All values are NaN where `canMeter` is false. */
export function createProcessMeter(pid: number) {
  const status = (field: string) => {
    if (!canMeter) return NaN
    const [, kilobytes] =
      new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return Number(kilobytes) * KILOBYTE
  }
  return {
    /** Resident memory in bytes. */
    rss: () => status('VmRSS'),

    /** Peak resident memory in bytes, since the start or the last reset. */
    peakRss: () => status('VmHWM'),

    resetPeakRss() {
      if (canMeter) writeFileSync(`/proc/${pid}/clear_refs`, '5')
    },

    /** CPU time of all threads in milliseconds, user and system. */
    cpuMs(): number {
      if (!canMeter) return NaN
      // Fields are counted after the process name, which may contain spaces.
      const [, user, system] =
        /\) (?:\S+ ){11}(\d+) (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? []
      return ((Number(user) + Number(system)) * 1000) / TICKS_PER_SECOND
    }
  }
}
