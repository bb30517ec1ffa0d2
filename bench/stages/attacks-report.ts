import { format, judge } from '../report.ts'
import type { Outcome } from './attack-context.ts'
import type { Summary } from './overload-measures.ts'

/** What innocent users noticed: those whose connections stay open, and those who have just come. */
type Innocents = { known: Summary; fresh: Summary }

/** What the innocent users noticed, and what became of the server. Memory in bytes, NaN where it has ended. */
export type Attacked = {
  name: string
  megabytes: number
  undisturbed: Innocents
  during: Innocents
  after: Innocents
  lives: boolean
  memory: { before: number; peak: number; after: number }
  /** Shares of one core. */
  cpu: { usual: number; attacked: number }
  outcome: Outcome
}

const TARGETS = { p99Ratio: 3, memoryRatio: 1.3 }
const MEGABYTE = 2 ** 20

export const tabulateInnocents = (results: Attacked[]): string[][] => [
  [
    'the attacker tries',
    'p50, ms',
    'attacked',
    'p99, ms',
    'attacked',
    'p99, ratio',
    'new, p99',
    'attacked',
    'refused',
    'target'
  ],
  ...results.map(({ name, undisturbed, during, after }) => {
    const ratio = during.known.p99 / undisturbed.known.p99
    const summaries = [during, after].flatMap(({ known, fresh }) => [known, fresh])
    const refused = summaries.reduce((sum, summary) => sum + summary.refused + summary.lost, 0)
    return [
      name,
      format(undisturbed.known.p50),
      format(during.known.p50),
      format(undisturbed.known.p99),
      format(during.known.p99),
      format(ratio),
      format(undisturbed.fresh.p99),
      format(during.fresh.p99),
      format(refused),
      judge(`p99 ≤ ${TARGETS.p99Ratio}, none refused`, ratio <= TARGETS.p99Ratio && refused === 0)
    ]
  })
]

export const tabulateServers = (results: Attacked[]): string[][] => [
  [
    'the attacker tries',
    'limit, MB',
    'before',
    'peak',
    'after',
    'after, ratio',
    'CPU, %',
    'target',
    'besides',
    'the attacker got'
  ],
  ...results.map(({ name, megabytes, memory: { before, peak, after }, cpu, lives, outcome }) => [
    name,
    String(megabytes),
    ...[before, peak, after].map((bytes) => format(bytes / MEGABYTE)),
    format(after / before),
    `${format(100 * cpu.usual)} → ${format(100 * cpu.attacked)}`,
    judge(`lives, after ≤ ${TARGETS.memoryRatio}`, lives && after / before <= TARGETS.memoryRatio),
    outcome.target ?? '',
    outcome.answers
  ])
]
