import type { LightMyRequestResponse } from 'fastify'
import type { Test } from 'tap'
import { problems, type Problem, type ProblemCode } from '../../src/contract/problem.ts'

/** Checks that the response is a well-formed problem of this code; `path` is that of its first error. */
export function isProblem(
  t: Test,
  response: LightMyRequestResponse,
  code: ProblemCode,
  path?: string
): Problem {
  const [status, title] = problems[code]
  const problem = response.json<Problem>()
  t.match(response.headers['content-type'], /^application\/problem\+json/)
  t.match(problem, { type: `/docs#${code}`, title, status, code, detail: /\w+ \w+/ })
  t.equal(response.statusCode, status)
  if (path !== undefined) t.equal(problem.errors?.[0]?.path, path)
  return problem
}
