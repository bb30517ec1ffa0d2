import { envSchema } from 'env-schema'
import { findInconsistencies } from './inconsistencies.ts'
import { EnvironmentSchema, type Environment } from './schema.ts'

/** An error of Ajv. */
type Violation = { keyword: string; instancePath: string; message?: string; params: Record<string, unknown> }

/**
 * Reads and validates the environment. An empty variable counts as not set, as in an .env file.
 * @throws {Error} one message with every missing or invalid variable, and no value
 */
export function readEnvironment(env: NodeJS.ProcessEnv): Environment {
  const data = Object.fromEntries(
    Object.entries(env).filter(([name, value]) => name in EnvironmentSchema.properties && value?.trim())
  )
  const environment = validate(data)
  const inconsistencies = findInconsistencies(environment)
  if (inconsistencies.length > 0) throw invalidEnvironment(inconsistencies)
  return environment
}

function validate(data: NodeJS.ProcessEnv): Environment {
  try {
    return envSchema<Environment>({ schema: EnvironmentSchema, data, env: false })
  } catch (error) {
    const { errors = [] } = error as { errors?: Violation[] }
    if (errors.length === 0) throw error
    throw invalidEnvironment([...new Set(errors.map(describe))])
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
