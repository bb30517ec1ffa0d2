import { envSchema } from 'env-schema'
import { findInconsistencies } from './inconsistencies.ts'
import { EnvironmentSchema, type Environment } from './schema.ts'
import { describeWrapping, unwrap } from './wrapping.ts'

/** An error of Ajv. */
type Violation = { keyword: string; instancePath: string; message?: string; params: Record<string, unknown> }

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
  try {
    return { values: envSchema<Environment>({ schema: EnvironmentSchema, data, env: false }), violations: [] }
  } catch (error) {
    const { errors = [] } = error as { errors?: Violation[] }
    if (errors.length === 0) throw error
    return { violations: [...new Set(errors.map(describe))] }
  }
}

const invalidEnvironment = (problems: string[]) =>
  new Error(`The environment is not valid:\n${problems.map((problem) => `  ${problem}`).join('\n')}`)

function describe({ keyword, instancePath, params, message }: Violation): string {
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
