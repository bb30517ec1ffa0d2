import { readFileSync, writeFileSync } from 'node:fs'

const KILOBYTE = 1024

/** Of the kernel's interface to user space, whatever the kernel's own clock. */
const TICKS_PER_SECOND = 100

export type ProcessMeter = ReturnType<typeof createProcessMeter>

/** Only Linux tells what another process uses. */
export const canMeter = process.platform === 'linux'

/** Reads what a process uses; its numbers are NaN where `canMeter` is false. */
export function createProcessMeter(pid: number) {
  const status = (field: string) => {
    if (!canMeter) return NaN
    const [, kilobytes] =
      new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return Number(kilobytes) * KILOBYTE
  }
  return {
    /** Resident bytes. */
    rss: () => status('VmRSS'),

    /** Resident bytes at their highest, since the start or the last reset. */
    peakRss: () => status('VmHWM'),

    resetPeakRss() {
      if (canMeter) writeFileSync(`/proc/${pid}/clear_refs`, '5')
    },

    /** Milliseconds of processor time, of all threads, the kernel's work for them included. */
    cpuMs(): number {
      if (!canMeter) return NaN
      // Counted from behind the name, which may hold spaces.
      const [, user, system] =
        /\) (?:\S+ ){11}(\d+) (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? []
      return ((Number(user) + Number(system)) * 1000) / TICKS_PER_SECOND
    }
  }
}
