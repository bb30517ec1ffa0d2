import { median } from '../measure/statistics.ts'
import { format } from '../report.ts'

export type Contestant = 'floor' | 'ours'

/** What one round of one scenario measured: `p99` in milliseconds, CPU time of a request in microseconds. */
export type Measured = { perSecond: number; cpuMicros: number; p99: number }

export type Round = { scenario: string } & Record<Contestant, Measured>

/** Median, lowest and highest. */
function describeSpread(values: number[]): string {
  const two = (value: number) => (Number.isNaN(value) ? '—' : value.toFixed(2))
  return `${two(median(values))} (${two(Math.min(...values))}–${two(Math.max(...values))})`
}

export function tabulateRequests(rounds: Round[]): string[][] {
  const scenarios = [...new Set(rounds.map(({ scenario }) => scenario))]
  return [
    [
      '',
      'floor, req/s',
      'ours, req/s',
      'ratio',
      'floor, CPU µs',
      'ours, CPU µs',
      'CPU ratio',
      'floor, p99 ms',
      'ours, p99 ms'
    ],
    ...scenarios.map((scenario) =>
      tabulateScenario(
        scenario,
        rounds.filter((round) => round.scenario === scenario)
      )
    )
  ]
}

function tabulateScenario(scenario: string, rounds: Round[]): string[] {
  const middle = (name: Contestant, key: keyof Measured) =>
    format(median(rounds.map((round) => round[name][key])))
  return [
    scenario,
    middle('floor', 'perSecond'),
    middle('ours', 'perSecond'),
    describeSpread(rounds.map(({ floor, ours }) => ours.perSecond / floor.perSecond)),
    middle('floor', 'cpuMicros'),
    middle('ours', 'cpuMicros'),
    describeSpread(rounds.map(({ floor, ours }) => floor.cpuMicros / ours.cpuMicros)),
    middle('floor', 'p99'),
    middle('ours', 'p99')
  ]
}

const MEGABYTE = 2 ** 20

type Footprint = {
  startMs: Record<Contestant, number[]>
  /** Resident bytes before and at the peak of the load. */
  idle: Record<Contestant, number>
  peak: Record<Contestant, number>
}

export function tabulateMemory({ startMs, idle, peak }: Footprint): string[][] {
  const row = (what: string, floor: number, ours: number) => [
    what,
    format(floor),
    format(ours),
    format(ours / floor)
  ]
  return [
    ['', 'floor', 'ours', 'ratio'],
    row('start to the first answer, ms', median(startMs.floor), median(startMs.ours)),
    row('memory when idle, MB', idle.floor / MEGABYTE, idle.ours / MEGABYTE),
    row('peak memory, MB', peak.floor / MEGABYTE, peak.ours / MEGABYTE)
  ]
}
