import type { FastifySchemaValidationError } from 'fastify'
import { invalidInputs, type ApiError } from '../../errors.ts'

type ValidationError = FastifySchemaValidationError & {
  parentSchema?: { description?: string }
  data?: unknown
}

/** Converts Ajv's errors to one `invalid_input`, which names each field and what to change. */
export function describeInvalid(errors: ValidationError[], context = 'body'): ApiError {
  const byPath = new Map<string, ValidationError>()
  for (const error of errors) {
    const path = pathOf(error)
    const known = byPath.get(path)
    if (!known || significance(error) > significance(known)) byPath.set(path, error)
  }
  const paths = [...byPath.keys()]
  // When all alternatives of a union failed, the caller most likely meant the one that got further.
  const furthest = [...byPath].filter(([path]) => !paths.some((other) => other.startsWith(`${path}/`)))
  const isBody = context === 'body'
  return invalidInputs(
    furthest.map(([path, error]) => ({
      path: (isBody ? path : path.slice(1)) || context,
      message: !isBody && Array.isArray(error.data) ? 'must be given once' : describe(error)
    }))
  )
}

/** The field at fault, as a JSON pointer. A missing or misnamed member is not in `instancePath`. */
function pathOf({ instancePath, params }: ValidationError): string {
  const member = params['missingProperty'] ?? params['misnamedProperty']
  return member === undefined ? instancePath : `${instancePath}/${String(member)}`
}

/** Of several errors of one field: a wrong type says least, then a failed union, then every other keyword. */
const significance = ({ keyword }: ValidationError) => (keyword === 'type' ? 0 : keyword === 'anyOf' ? 1 : 2)

const WITH_DESCRIPTION = new Set(['pattern', 'format', 'not', 'anyOf', 'x-date-range', 'x-max-bytes'])

function describe({ keyword, message, parentSchema }: ValidationError): string {
  if (keyword === 'required') return 'is missing'
  if (WITH_DESCRIPTION.has(keyword) && parentSchema?.description) return `must be ${parentSchema.description}`
  return message ?? 'is not valid'
}
