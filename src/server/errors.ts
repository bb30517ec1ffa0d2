import { problems, type Problem, type ProblemCode } from '../contract/problem.ts'
import type { FaultCode } from '../contract/readiness.ts'

type Details = {
  /** The invalid fields, and what to change. For invalid input only. */
  errors?: Problem['errors']
  /** The underlying error. Logged, never sent. */
  cause?: unknown
  /** Headers of the answer. */
  headers?: Record<string, string>
  /** Stable reason within the code: logged, never a value. */
  reason?: string
  /** Seconds until a retry makes sense, sent as `Retry-After`. Default: 5 for every 503. */
  retryAfter?: number
}

/** An error with a code from the catalogue in `contract/problem.ts`. Its message is sent as `detail`. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly code: ProblemCode
  readonly errors: Problem['errors']
  readonly headers: Record<string, string>
  readonly reason: string | undefined
  readonly retryAfter: number | undefined

  constructor(
    code: ProblemCode,
    detail: string,
    { errors, cause, headers = {}, reason, retryAfter }: Details = {}
  ) {
    super(detail, { cause })
    this.code = code
    this.errors = errors
    this.headers = headers
    this.reason = reason
    this.retryAfter = retryAfter ?? (problems[code][0] === 503 ? 5 : undefined)
  }

  get statusCode(): number {
    return problems[this.code][0]
  }

  toProblem(): Problem {
    const [status, title] = problems[this.code]
    return {
      type: `/docs#${this.code}`,
      title,
      status,
      code: this.code,
      detail: this.message,
      ...(this.errors && { errors: this.errors })
    }
  }
}

/** An invalid field. `path` is a JSON pointer into the body, or the name of the parameter. */
type InvalidField = { path: string; message: string }

/** At most this many fields are named. */
export const MAX_INVALID_FIELDS = 20

/** A 400 about all invalid fields of a request. */
export function invalidInputs(fields: InvalidField[]) {
  const errors = fields.slice(0, MAX_INVALID_FIELDS)
  const detail = errors.map(({ path, message }) => `${path.replace(/^\//, '')} ${message}`).join('; ')
  return new ApiError('invalid_input', detail, { errors })
}

/** A 400 about one field. */
export const invalidInput = (path: string, message: string) => invalidInputs([{ path, message }])

/**
 * Something around the server that is wrong until somebody changes it. `message` is one sentence for the log
 * that says what to change, and has no secret.
 */
export class ConfigurationFault extends Error {
  override readonly name = 'ConfigurationFault'
  readonly code: FaultCode

  constructor(code: FaultCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/**
 * The error for a request that fails because of `fault`. Another attempt fails, too, so its detail does not
 * ask for one.
 */
export const misconfigured = (code: ProblemCode, fault: ConfigurationFault) =>
  new ApiError(code, 'The server is not set up correctly. Its operator has to correct that first.', {
    cause: fault,
    retryAfter: 60
  })
