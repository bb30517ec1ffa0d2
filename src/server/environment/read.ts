import type { ErrorObject } from 'ajv'
import { coerceEnvironment } from './coerce.ts'
import { findInconsistencies } from './inconsistencies.ts'
import { EnvironmentSchema, type Environment } from './schema.ts'
import { describeWrapping, unwrap } from './wrapping.ts'

/**
 * Reads and validates the environment. An empty variable counts as not set, as in an .env file.
 * @throws {Error} one message with every missing or invalid variable, and no value
 */
export function readEnvironment(env: NodeJS.ProcessEnv): Environment {
  const given = Object.entries(env).filter(
    (entry): entry is [string, string] =>
      entry[0] in EnvironmentSchema.properties && Boolean(entry[1]?.trim())
  )
  const wrapped = given.flatMap(([name, value]) => {
    const fault = describeWrapping(name, value)
    return fault === undefined ? [] : `${name} ${fault}`
  })
  const { values, violations } = coerceEnvironment(
    Object.fromEntries(given.map(([name, value]) => [name, unwrap(value)]))
  )
  const problems = [
    ...wrapped,
    ...new Set(violations.map(describe)),
    ...findInconsistencies(without(values, violations.map(nameOf)))
  ]
  if (problems.length > 0) throw invalidEnvironment(problems)
  return values
}

/** The values that match the schema: each further check of them can be made, whatever others violate. */
const without = (values: Environment, names: string[]): Partial<Environment> =>
  Object.fromEntries(Object.entries(values).filter(([name]) => !names.includes(name)))

const invalidEnvironment = (problems: string[]) =>
  new Error(`The environment is not valid:\n${problems.map((problem) => `  ${problem}`).join('\n')}`)

const nameOf = ({ keyword, instancePath, params }: ErrorObject): string =>
  keyword === 'required' ? String(params['missingProperty']) : instancePath.slice(1)

function describe(violation: ErrorObject): string {
  const { keyword, message } = violation
  const name = nameOf(violation)
  if (keyword === 'required') return `${name} is missing: ${purposeOf(name)}`
  const hasClearMessage = ['type', 'minimum', 'maximum'].includes(keyword)
  return `${name} ${hasClearMessage ? message : 'is not valid'}: ${purposeOf(name)}`
}

const purposeOf = (name: string) =>
  (EnvironmentSchema.properties as Record<string, { description?: string }>)[name]?.description ?? ''
