import type { FastifyRequest } from 'fastify'
import type { RunStatement } from '../database/statement-runner.ts'

/**
 * Runs the statements that read further pieces of an answer while it is sent: in turn with other such answers, so that
 * they leave connections to requests that have just come.
 */
export const runInTurn =
  (run: RunStatement, request: FastifyRequest): RunStatement =>
  (statement, values) =>
    request.readInTurn(() => run(statement, values))
