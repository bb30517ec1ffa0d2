import { setTimeout as sleep } from 'node:timers/promises'

/** Waits until something holds. The test's own time limit ends the wait. */
export async function until(holds: () => boolean | Promise<boolean>) {
  while (!(await holds())) await sleep(5)
}
