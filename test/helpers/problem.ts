import type { LightMyRequestResponse } from 'fastify'
import type { Test } from 'tap'
import { problems, type Problem, type ProblemCode } from '../../src/contract/problem.ts'

/** Checks that an answer is this problem, whole and well-formed; `path` is the field it must blame. */
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
