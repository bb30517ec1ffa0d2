import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Services } from '../../helpers/app.ts'
import type { FaultyProxy } from '../../helpers/faulty-proxy.ts'

type Targets = {
  database: FaultyProxy
  storage: FaultyProxy
  issuer: Services['issuer']
  /** Ends the server without warning and starts another. */
  crash: () => Promise<void>
  /** The embedded database has one session, which a stalled connection blocks. */
  isReal: boolean
}

/** Causes one random fault after the other, and ends each, until `signal` aborts. Returns how often each came. */
export async function causeFaults(targets: Targets, signal: AbortSignal): Promise<Record<string, number>> {
  const { database, storage, issuer, crash, isReal } = targets
  const lasting = async (begin: () => unknown, end: () => unknown) => {
    await begin()
    await sleep(randomInt(300, 2500))
    await end()
  }
  const faults: Record<string, () => unknown> = {
    'database cut': () => database.cut(),
    'database away': () => lasting(database.refuse, database.resume),
    ...(isReal && { 'database hangs': () => lasting(database.hang, database.resume) }),
    'storage cut': () => storage.cut(),
    'storage away': () => lasting(storage.refuse, storage.resume),
    'storage hangs': () => lasting(storage.hang, storage.resume),
    'issuer away': () => lasting(issuer.stop, issuer.start),
    'kill -9': crash,
    'kill -9 without the issuer': () => issuer.stop().then(crash).then(issuer.start)
  }
  const names = Object.keys(faults)
  const counts: Record<string, number> = {}
  while (!signal.aborted) {
    await sleep(randomInt(1000, 5000))
    const name = names[randomInt(names.length)] ?? ''
    counts[name] = (counts[name] ?? 0) + 1
    await faults[name]?.()
  }
  return counts
}
