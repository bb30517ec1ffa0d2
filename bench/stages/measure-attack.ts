import { aim, type Crowd } from '../load/start-crowd.ts'
import { createMemoryCgroup } from '../measure/memory-cgroup.ts'
import type { Script } from '../processes/script.ts'
import { startServer } from '../processes/server.ts'
import { withResources, type Keep } from '../resources.ts'
import type { Services } from '../services/environment.ts'
import type { Accounts } from './attack-accounts.ts'
import type { Attack, AttackContext } from './attack-context.ts'
import type { Attacked } from './attacks-report.ts'
import { summarise } from './overload-measures.ts'

const WARM_UP_MS = 2500
export const UNDISTURBED_MS = 5000
/** After the attack, until the memory is read. */
export const REST_MS = 4000
/** Requests a second of all innocent users. */
export const RATE = 100
/** Requests a second of those who have just come. */
export const NEWCOMER_RATE = 10
const MEGABYTE = 2 ** 20

/** The limits are the server's own, not those of the other stages. */
const DEFAULTS = { RATE_LIMIT: undefined, UPLOAD_CONCURRENCY: undefined, DATABASE_TIMEOUT_MS: undefined }

/** What all attacks share: the services, the accounts, and the processes that send requests. */
export type AttackSetup = { scale: number; services: Services; accounts: Accounts } & Record<
  'sink' | 'innocents' | 'newcomers' | 'crowd' | 'attacker' | 'saves',
  Script
>

/** An attack on a new server, while innocent users ask. */
export const measureAttack = (setup: AttackSetup, attack: Attack): Promise<Attacked> =>
  withResources(async (keep) => {
    const { server, cgroup } = await startEnclosed(keep, setup, attack)
    const crowd: Crowd = aim(setup.innocents, server.url, setup.scale)
    const newcomers: Crowd = aim(setup.newcomers, server.url, setup.scale)
    const regular: Crowd = aim(setup.crowd, server.url, setup.scale)
    const calls = setup.accounts.innocents
    const ask = async (ms: number) => {
      const [known, fresh] = await Promise.all([
        crowd({ calls, connections: 100, rate: RATE, ms }),
        newcomers({ calls, connections: 100, rate: NEWCOMER_RATE, ms, isNew: true })
      ])
      return { known: summarise(known), fresh: summarise(fresh) }
    }
    const meter = (name: 'rss' | 'peakRss' | 'cpuMs') => (server.isAlive() ? server.meter[name]() : NaN)
    const withCpu = <T>(work: () => Promise<T>) => measureCpu(() => meter('cpuMs'), work)

    await Promise.all([
      ask(WARM_UP_MS),
      regular({ calls: setup.accounts.regular, connections: 2, ms: WARM_UP_MS })
    ])
    const usual = await withCpu(() => ask(UNDISTURBED_MS))
    const before = meter('rss')
    server.meter.resetPeakRss()
    const context = createContext(setup, server.url, attack)
    const attacked = await withCpu(() => Promise.all([attack.run(context), ask(attack.ms)]))
    const [outcome, during] = attacked.result
    const after = await ask(REST_MS)

    return {
      name: attack.name,
      megabytes: attack.megabytes,
      undisturbed: usual.result,
      during,
      after,
      lives: server.isAlive() && cgroup.oomKills() === 0,
      memory: { before, peak: meter('peakRss'), after: meter('rss') },
      cpu: { usual: usual.share, attacked: attacked.share },
      outcome
    }
  })

async function startEnclosed(keep: Keep, { services }: AttackSetup, { megabytes }: Attack) {
  const cgroup = createMemoryCgroup(megabytes * MEGABYTE)
  if ('unavailable' in cgroup) throw new Error(cgroup.unavailable)
  keep(cgroup)
  return { cgroup, server: keep(await startServer('ours', { ...services.env, ...DEFAULTS }, cgroup.enclose)) }
}

const createContext = (
  { scale, accounts, ...setup }: AttackSetup,
  url: string,
  { ms }: Attack
): AttackContext => ({
  url,
  databaseUrl: setup.services.database.url,
  accounts,
  ms,
  scale,
  connections: aim(setup.attacker, url, scale),
  crowd: aim(setup.crowd, url, scale),
  save: (question) => setup.saves.ask(question) as ReturnType<AttackContext['save']>,
  countStorageRequests: () => setup.sink.ask('count') as Promise<number>
})

/** `share`: of one core, all threads of the process. */
async function measureCpu<T>(cpuMs: () => number, work: () => Promise<T>) {
  const [start, before] = [performance.now(), cpuMs()]
  const result = await work()
  return { result, share: (cpuMs() - before) / (performance.now() - start) }
}
