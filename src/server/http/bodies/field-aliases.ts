import { invalidInput } from '../../errors.ts'

/**
 * Renames a member that a client copied from an answer to the name of the request. A member with the request's name
 * wins. A body that is no object stays as it is.
 */
export function acceptAnswerName(body: unknown, answerName: string, name: string): unknown {
  if (!isObject(body) || body[answerName] === undefined) return body
  const { [answerName]: value, ...rest } = body
  return { [name]: value, ...rest }
}

/**
 * As acceptAnswerName, where two different values leave open which one is meant.
 * @throws {ApiError} invalid_input
 */
export function acceptEqualAnswerName(body: unknown, answerName: string, name: string): unknown {
  if (isObject(body) && body[name] !== undefined && body[answerName] !== undefined) {
    if (body[name] !== body[answerName]) {
      throw invalidInput(`/${answerName}`, `must equal ${name}, or be left out`)
    }
  }
  return acceptAnswerName(body, answerName, name)
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
