import type { InjectOptions, LightMyRequestResponse } from 'fastify'
import type { Test } from 'tap'
import { problems, type Problem, type ProblemCode } from '../../../src/contract/problem.ts'
import { SECRET, type World } from './world.ts'

/** A request of an attacker, and what the server must answer. */
export type Attack = {
  /** What the attacker tries. */
  name: string
  request: InjectOptions
  /** Codes of the problem. Numbers are statuses of successes that do no harm. */
  answers: Array<ProblemCode | number>
  check?: (t: Test, answer: LightMyRequestResponse) => void
}

/**
 * Tries an attack. The answer is one of those named, tells nothing of the victim, and no refused request
 * changes a row or a file. The harness compares each answer with the API document.
 */
export async function tryAttack(t: Test, world: World, { name, request, answers, check }: Attack) {
  const before = await world.state()
  const answer = await world.app.inject(request)
  t.ok(isOneOf(answer, answers), `${name}: ${answer.statusCode} ${answer.body.slice(0, 200)}`)
  tellsNothing(t, answer, name)
  check?.(t, answer)
  await changesNothing(t, world, { name, before, isRefused: answer.statusCode >= 300 })
}

function isOneOf({ statusCode, body, headers }: LightMyRequestResponse, answers: Attack['answers']) {
  if (statusCode < 400) return answers.includes(statusCode)
  const { code, detail } = JSON.parse(body) as Problem
  if (statusCode === 401 && !String(headers['www-authenticate']).startsWith('Bearer')) return false
  return (
    answers.includes(code as ProblemCode) &&
    problems[code as ProblemCode][0] === statusCode &&
    detail.length > 10
  )
}

export function tellsNothing(t: Test, { headers, body }: { headers: object; body: string }, name: string) {
  const text = JSON.stringify(headers) + body
  t.notOk(text.includes(SECRET), `${name}: nothing of the victim`)
  t.notMatch(text, /node_modules|at \w+ \(|prisma|SELECT /, `${name}: nothing of the server`)
}

type Before = { name: string; before: Awaited<ReturnType<World['state']>>; isRefused: boolean }

export async function changesNothing(t: Test, world: World, { name, before, isRefused }: Before) {
  const after = await world.state()
  if (isRefused) t.strictSame(after, before, `${name}: nothing is stored or changed`)
  const victim = ({ rows }: typeof after) => (rows as Array<{ victim: string }>)[0]?.victim
  t.equal(victim(after), victim(before), `${name}: the victim's sessions are as before`)
  t.equal((await world.victim.stats()).statusCode, 200, `${name}: the victim is served afterwards`)
}
