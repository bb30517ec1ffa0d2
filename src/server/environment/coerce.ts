import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import { EnvironmentSchema, type Environment } from './schema.ts'

let validator: ValidateFunction<Environment> | undefined

/**
 * Converts variables to the types of the schema and adds the defaults.
 * @returns the values; they are complete and valid if there are no violations
 */
export function coerceEnvironment(data: NodeJS.ProcessEnv): {
  values: Environment
  violations: ErrorObject[]
} {
  const validate = (validator ??= compileValidator())
  const values: unknown = { ...data }
  validate(values)
  return { values: values as Environment, violations: validate.errors ?? [] }
}

function compileValidator() {
  const ajv = new Ajv({
    allErrors: true,
    useDefaults: true,
    coerceTypes: true,
    // A test validates the schema. To do it here, Ajv would compile the schema of schemas at every start.
    validateSchema: false,
    meta: false,
    // The code runs once in a server: to optimise it costs more than it saves.
    code: { optimize: false }
  })
  return ajv.compile<Environment>(EnvironmentSchema)
}
