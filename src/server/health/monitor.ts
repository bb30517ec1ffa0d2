import type { FastifyBaseLogger } from 'fastify'
import type { FaultCode, Readiness } from '../../contract/readiness.ts'
import { sleep } from '../../contract/retry.ts'
import { checkResults, type CheckResult } from '../diagnostics.ts'
import { createTokenBucket } from '../http/limits/token-bucket.ts'
import { ApiError, ConfigurationFault } from '../errors.ts'
import { shareRuns } from '../share-runs.ts'

type CheckName = keyof Readiness['checks']

/** The checks of the database, the storage, the issuer and the spool files. A rejection is a fault, too. */
export type Checks = Record<CheckName, () => Promise<ConfigurationFault[]>>

type Options = {
  log: Pick<FastifyBaseLogger, 'error' | 'info'>
  /** Checks that only a request causes. They are not published: what was found last may be old. */
  onDemand?: CheckName[]
  /** Longest time of one check, in milliseconds. */
  timeoutMs?: number
  /** Pause between two rounds of checks while all is well, in milliseconds. */
  pauseMs?: number
  /** First pause after a round that found a fault; it doubles up to `pauseMs`. In milliseconds. */
  firstPauseMs?: number
}

/** Rounds of checks that requests may cause: ten at once, then one every two seconds. */
const ROUNDS_AT_ONCE = 10
const ROUND_AFTER_MS = 2000

/**
 * Runs the checks in the background, and for requests at a bounded rate. Logs each fault when it appears, with its
 * code and the sentence that says what to change, and each check whose faults are corrected.
 */
export function createMonitor(checks: Checks, { log, onDemand = [], ...options }: Options) {
  const { timeoutMs = 10_000, pauseMs = 60_000, firstPauseMs = 1000 } = options
  const budget = createTokenBucket({ capacity: ROUNDS_AT_ONCE, refillMs: ROUND_AFTER_MS, now: Date.now })
  const all = Object.keys(checks) as CheckName[]
  const watched = all.filter((name) => !onDemand.includes(name))
  const found = new Map<CheckName, ConfigurationFault[]>()
  const checkShared = shareRuns(runCheck)
  /** A check that has timed out, but still runs, is not started again. */
  const findFaultsShared = shareRuns((name: CheckName) => checks[name]())

  const checkAll = (names: CheckName[]) => Promise.all(names.map(checkShared))

  async function runCheck(name: CheckName): Promise<void> {
    const faults = await withTimeLimit(findFaultsShared(name), timeoutMs).catch((error) => [
      toFault(error, name)
    ])
    logChanges(name, faults)
    found.set(name, faults)
    if (watched.includes(name)) {
      checkResults.publish({ check: name, code: codeOf(name) } satisfies CheckResult)
    }
  }

  function logChanges(name: CheckName, faults: ConfigurationFault[]): void {
    const known = new Set(found.get(name)?.map(identify))
    for (const fault of faults) {
      if (!known.has(identify(fault))) log.error({ check: name, code: fault.code }, fault.message)
    }
    if (faults.length === 0 && known.size > 0) log.info({ check: name }, `${name}: the fault is corrected`)
  }

  const codeOf = (name: CheckName) => found.get(name)?.[0]?.code ?? 'ok'
  const areFine = (names: CheckName[]) => names.every((name) => codeOf(name) === 'ok')

  return {
    /** Checks periodically until `signal` is aborted. */
    async watch(signal: AbortSignal): Promise<void> {
      let afterFault = firstPauseMs
      while (!signal.aborted) {
        await checkAll(watched)
        const isFine = areFine(watched)
        await sleep(isFine ? pauseMs : afterFault, signal).catch(() => {})
        afterFault = isFine ? firstPauseMs : Math.min(afterFault * 2, pauseMs)
      }
    },

    /** What was found last. It checks again first, unless requests have caused too many checks lately. */
    async report(): Promise<Readiness> {
      if (budget.take() || found.size < all.length) await checkAll(all)
      const codes = Object.fromEntries(all.map((name) => [name, codeOf(name)]))
      return { status: areFine(all) ? 'ready' : 'degraded', checks: codes as Readiness['checks'] }
    }
  }
}

/** During an outage the message changes (a lost connection, then a refused one), so its code is compared. */
const identify = ({ code, message }: ConfigurationFault) => (code.endsWith('_unavailable') ? code : message)

function withTimeLimit<T>(work: Promise<T>, milliseconds: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`no answer within ${milliseconds} ms`)),
      milliseconds
    ).unref()
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

/** A failed check as a fault. */
function toFault(error: unknown, check: string): ConfigurationFault {
  const { cause } = error as Error
  if (error instanceof ConfigurationFault) return error
  if (cause instanceof ConfigurationFault) return cause
  const code = error instanceof ApiError && error.code.endsWith('_unavailable') ? error.code : 'check_failed'
  return new ConfigurationFault(code as FaultCode, `${check} is not available: ${describeCause(error)}`)
}

/** The innermost message: that of the driver or of the socket. */
function describeCause(error: unknown): string {
  const { message, cause, originalError } = error as Error & { originalError?: unknown }
  const inner = originalError ?? cause
  if (inner instanceof Error) return describeCause(inner)
  if (error instanceof AggregateError && message === '') return error.errors.map(describeCause).join('; ')
  return String(message).split('\n', 1).join()
}
