import { createMemoryCgroup } from '../measure/memory-cgroup.ts'
import { startScript } from '../processes/script.ts'
import type { Stage } from '../report.ts'
import { withResources, type Keep } from '../resources.ts'
import { startServices } from '../services/environment.ts'
import { createAccounts } from './attack-accounts.ts'
import { ATTACKS, TRICKLE_MS } from './attack-cases.ts'
import { MS } from './attack-context.ts'
import { tabulateInnocents, tabulateServers, type Attacked } from './attacks-report.ts'
import {
  measureAttack,
  NEWCOMER_RATE,
  RATE,
  REST_MS,
  UNDISTURBED_MS,
  type AttackSetup
} from './measure-attack.ts'

const SAVE_BYTES = 2 * 2 ** 20

/** Attacks on a server with little memory, each on a new one, while innocent users ask at a steady rate. */
export const attacks: Stage = ({ scale, log }) =>
  withResources(async (keep) => {
    const title = 'attacks: what innocent users notice, and what becomes of the server'
    const reason = await whyUnlimited()
    if (reason) return { title, tables: [], remarks: [`Skipped: ${reason}.`] }

    const setup = await startSetup(keep, scale)
    const results: Attacked[] = []
    for (const attack of ATTACKS) {
      const result = await measureAttack(setup, attack)
      log(JSON.stringify(result))
      results.push(result)
    }
    return {
      title,
      tables: [tabulateInnocents(results), tabulateServers(results)],
      remarks: [
        `25 innocent users ask for their list, one session and their stats, ${RATE} times a second in all, over connections that stay open, for ${UNDISTURBED_MS / 1000} s, then during the attack, which takes ${MS / 1000} s (slow bodies ${TRICKLE_MS / 1000} s). ${NEWCOMER_RATE} more requests a second come over a new connection each: Node.js accepts one in each turn of its event loop, so these wait behind the attacker's new connections. Refused: requests of both, during the attack and afterwards, lost connections included. The attackers open a connection again when the server closes it. Each attack meets a new server in a memory cgroup, with the default limits, which has answered some requests of each kind: the first of a kind takes 20 to 60 ms more, for its code and its schema. ${setup.services.database.kind}. Clients and PostgreSQL share the machine with the server.`,
        `Memory of the process: before the attack, its peak, and ${REST_MS / 1000} s after the attack, while the innocent users ask on. CPU: of all threads of the server, undisturbed and during the attack, in percent of one core. A round of checks looks at the database, the storage and the issuer, and is counted at the storage.`
      ]
    }
  })

/** Why the memory of a server cannot be limited here. */
async function whyUnlimited(): Promise<string | undefined> {
  const cgroup = createMemoryCgroup(2 ** 28)
  if ('unavailable' in cgroup) return cgroup.unavailable
  await cgroup.close()
  return undefined
}

async function startSetup(keep: Keep, scale: number): Promise<AttackSetup> {
  const start = async (name: string, argument?: unknown) => keep(await startScript(name, argument))
  const sink = await start('services/storage-sink')
  const services = await startServices(keep, sink.ready as string)
  return {
    scale,
    services,
    accounts: await createAccounts(services),
    sink,
    innocents: await start('load/crowd'),
    newcomers: await start('load/crowd'),
    crowd: await start('load/crowd'),
    attacker: await start('load/attacker'),
    saves: await start('load/saves', { bytes: SAVE_BYTES })
  }
}
