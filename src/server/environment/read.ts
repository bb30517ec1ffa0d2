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
  const { values, violations } = validate(
    Object.fromEntries(given.map(([name, value]) => [name, unwrap(value)]))
  )
  const problems = [...wrapped, ...violations, ...(values ? findInconsistencies(values) : [])]
  if (problems.length > 0 || !values) throw invalidEnvironment(problems)
  return values
}

function validate(data: NodeJS.ProcessEnv): { values?: Environment; violations: string[] } {
  const { values, violations } = coerceEnvironment(data)
  if (violations.length === 0) return { values, violations: [] }
  return { violations: [...new Set(violations.map(describe))] }
}

const invalidEnvironment = (problems: string[]) =>
  new Error(`The environment is not valid:\n${problems.map((problem) => `  ${problem}`).join('\n')}`)

function describe({ keyword, instancePath, params, message }: ErrorObject): string {
  if (keyword === 'required') {
    const name = String(params['missingProperty'])
    return `${name} is missing: ${purposeOf(name)}`
  }
  const name = instancePath.slice(1)
  const hasClearMessage = ['type', 'minimum', 'maximum'].includes(keyword)
  return `${name} ${hasClearMessage ? message : 'is not valid'}: ${purposeOf(name)}`
}

const purposeOf = (name: string) =>
  (EnvironmentSchema.properties as Record<string, { description?: string }>)[name]?.description ?? ''
