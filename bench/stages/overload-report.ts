import { median } from '../measure/statistics.ts'
import { format, judge } from '../report.ts'
import type { Fairness } from './fairness.ts'
import type { Overloaded, Summary } from './overload-measures.ts'

type Kind = 'list' | 'save'
type Results = Record<Kind, Overloaded[]>

const TARGETS = { p99Ratio: 3, refusalMs: 100, goodput: 0.8, recoveryMs: 5000, neighbourRatio: 2 }

/** Median, lowest and highest. */
const spread = (values: number[]) =>
  `${format(median(values))} (${format(Math.min(...values))}–${format(Math.max(...values))})`

export function tabulateOverload(results: Results): string[][] {
  const row = (
    what: string,
    pick: (round: Overloaded) => number,
    target?: { text: string; isMet: (middle: number) => boolean }
  ) => {
    const cells = (['list', 'save'] as const).map((kind) => results[kind].map(pick))
    const isMet = cells.every((values) => target?.isMet(median(values)))
    return [what, ...cells.map(spread), target ? judge(target.text, isMet) : '']
  }
  const under = (loop: 'closed' | 'open') => [
    row(`${loop}: goodput`, (round) => round[loop].perSecond / round.sustainable, {
      text: `≥ ${TARGETS.goodput}`,
      isMet: (goodput) => goodput >= TARGETS.goodput
    }),
    row(
      `${loop}: p99 of accepted requests, ratio to unloaded`,
      (round) => round[loop].p99 / round.unloaded.p99,
      {
        text: `≤ ${TARGETS.p99Ratio}`,
        isMet: (ratio) => ratio <= TARGETS.p99Ratio
      }
    ),
    row(`${loop}: share of refusals`, (round) => shareOfRefusals(round[loop])),
    row(`${loop}: p99 of refusals, ms`, (round) => round[loop].refusalP99, {
      text: `≤ ${TARGETS.refusalMs}`,
      isMet: (ms) => ms <= TARGETS.refusalMs
    }),
    row(`${loop}: neither accepted nor refused`, (round) => round[loop].lost),
    row(`${loop}: seconds until normal`, (round) => round[loop].recoveryMs / 1000, {
      text: `≤ ${TARGETS.recoveryMs / 1000}`,
      isMet: (seconds) => seconds <= TARGETS.recoveryMs / 1000
    })
  ]
  return [
    ['', 'GET /api/sessions', 'POST /api/sessions, small', 'target'],
    row('unloaded: p50, ms', ({ unloaded }) => unloaded.p50),
    row('unloaded: p99, ms', ({ unloaded }) => unloaded.p99),
    row('sustainable, requests a second', ({ sustainable }) => sustainable),
    ...under('closed'),
    ...under('open')
  ]
}

const shareOfRefusals = ({ accepted, refused, lost }: Summary) => refused / (accepted + refused + lost)

export const tabulateFairness = (results: Fairness[]): string[][] => [
  ['beside', 'p50, ms', 'p99, ms', 'p50, ratio', 'p99, ratio', 'refused', 'target'],
  ...results.map(({ name, runs }) => {
    const ratios = runs.map(({ undisturbed, disturbed }) => disturbed.p99 / undisturbed.p99)
    const refused = runs.reduce((sum, { disturbed }) => sum + disturbed.refused + disturbed.lost, 0)
    return [
      name,
      spread(runs.map(({ disturbed }) => disturbed.p50)),
      spread(runs.map(({ disturbed }) => disturbed.p99)),
      spread(runs.map(({ undisturbed, disturbed }) => disturbed.p50 / undisturbed.p50)),
      spread(ratios),
      format(refused),
      judge(
        `p99 ≤ ${TARGETS.neighbourRatio}, none refused`,
        median(ratios) <= TARGETS.neighbourRatio && refused === 0
      )
    ]
  })
]
