import { createRequire } from 'node:module'
import type { FastifyInstance, FastifySchemaCompiler, FastifySerializerCompiler } from 'fastify'
import fp from 'fastify-plugin'
import type { validationOptions } from './server-options.ts'

type ValidatorCompiler = FastifySchemaCompiler<unknown>
type SerializerCompiler = FastifySerializerCompiler<unknown>
type Validate = ReturnType<ValidatorCompiler>

/** Fastify's compilers make a compiler for the shared schemas. */
type Select<Compiler> = () => (sharedSchemas: unknown, options: unknown) => Compiler

type Options = { validation: ReturnType<typeof validationOptions> }

const require = createRequire(import.meta.url)

/**
 * Compiles each schema with the first request that needs it, with the compilers that Fastify would use. At
 * the start, all schemas together would cost more than anything else, and most processes never need some of
 * them.
 */
async function lazySchemas(app: FastifyInstance, { validation }: Options) {
  const validatorOf = once(() =>
    (require('@fastify/ajv-compiler') as Select<ValidatorCompiler>)()(app.getSchemas(), {
      customOptions: validation
    })
  )
  const serializerOf = once(() =>
    (require('@fastify/fast-json-stringify-compiler') as Select<SerializerCompiler>)()(app.getSchemas(), {})
  )

  app.setValidatorCompiler((route) => {
    const compiled = once(() => validatorOf()(route))
    const validate: Validate = (value) => {
      const result = compiled()(value)
      validate.errors = compiled().errors ?? null
      return result
    }
    return validate
  })
  app.setSerializerCompiler((route) => {
    const compiled = once(() => serializerOf()(route))
    return (value) => compiled()(value)
  })
}

/** Calls `create` with the first call only. */
function once<T>(create: () => T): () => T {
  let created: { value: T } | undefined
  return () => (created ??= { value: create() }).value
}

export default fp(lazySchemas, { name: 'lazy-schemas' })
