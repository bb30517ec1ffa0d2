import type { FastifySchemaValidationError } from 'fastify'
import { invalidInput, type ApiError } from '../errors.ts'

type ValidationError = FastifySchemaValidationError & { parentSchema?: { description?: string } }

/** Converts Ajv's errors to one `invalid_input`, which names the field and what to change. */
export function describeInvalid(errors: ValidationError[], context = 'body'): ApiError {
  // When all alternatives of a union failed, the caller most likely meant the one that got furthest.
  const error = errors.reduce((best, next) => (progress(next) > progress(best) ? next : best))
  const missing = error.keyword === 'required' ? `/${String(error.params['missingProperty'])}` : ''
  const path = `${error.instancePath}${missing}` || context
  return invalidInput(context === 'body' ? path : path.replace(/^\//, ''), describe(error))
}

/**
 * How far validation got. A longer path is further. At the same path a wrong type comes first, then a failed
 * union, then every other keyword.
 */
const progress = ({ instancePath, keyword }: ValidationError) =>
  instancePath.length * 3 + (keyword === 'type' ? 0 : keyword === 'anyOf' ? 1 : 2)

function describe({ keyword, message, parentSchema }: ValidationError): string {
  if (keyword === 'required') return 'is missing'
  if (['pattern', 'format', 'not', 'anyOf'].includes(keyword) && parentSchema?.description) {
    return `must be ${parentSchema.description}`
  }
  return message ?? 'is not valid'
}
