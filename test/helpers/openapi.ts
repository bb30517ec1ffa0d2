import { gunzipSync } from 'node:zlib'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify'

export type Schema = Record<string, unknown>
export type Media = {
  schema?: Schema
  example?: unknown
  examples?: Record<string, { value: unknown }>
}
export type Content = Record<string, Media>
export type Parameter = {
  name: string
  in: string
  required?: boolean
  description?: string
  example?: unknown
  schema: Schema
}
export type Operation = {
  operationId?: string
  summary?: string
  description?: string
  deprecated?: boolean
  tags?: string[]
  security?: unknown[]
  parameters?: Parameter[]
  requestBody?: { required?: boolean; content: Content }
  responses: Record<string, { description: string; content?: Content }>
}
export type OpenApi = {
  openapi: string
  info: Record<string, string>
  servers: Array<{ url: string }>
  tags: Array<{ name: string; description: string }>
  security: unknown
  paths: Record<string, Record<string, Operation>>
  components: Record<string, Record<string, Schema>>
}

/** A JSON pointer into the document, which Ajv knows as `openapi`. */
export const pointer = (...steps: string[]) =>
  `openapi#/${steps.map((step) => encodeURIComponent(step.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}`

/** Compiles the schema at a pointer into the document, once. */
export function createSchemas(document: OpenApi): (where: string) => ValidateFunction {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  addFormats.default(ajv)
  ajv.addSchema({ ...document, $id: 'openapi' })
  return (where) => ajv.getSchema(where) ?? ajv.compile({ $ref: where })
}

/** Forbids members that no schema names, so that answers have no undocumented ones. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed)
  if (typeof value !== 'object' || value === null) return value
  const copy = Object.fromEntries(Object.entries(value).map(([name, member]) => [name, closed(member)]))
  return 'properties' in copy && 'type' in copy ? { ...copy, additionalProperties: false } : copy
}

type Answer = Pick<LightMyRequestResponse, 'statusCode' | 'headers' | 'body'> &
  Partial<Pick<LightMyRequestResponse, 'rawPayload'>>
type CheckAnswer = (method: string, url: string, answer: Answer) => string | undefined

/**
 * Tells how an answer differs from the document: its status, its media type, or a member of its body. Paths
 * and methods that the document does not have are left alone.
 */
export function createAnswerCheck(document: OpenApi): CheckAnswer {
  const schemaAt = createSchemas(closed(document) as OpenApi)
  const templates = Object.keys(document.paths).map((path) => ({
    path,
    pattern: new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`)
  }))

  return (method, url, { statusCode, headers, body, rawPayload }) => {
    const [pathname = ''] = url.split(/[?#]/)
    const path = templates.find(({ pattern }) => pattern.test(pathname))?.path ?? ''
    const isHead = method === 'HEAD'
    const verb = isHead ? 'get' : method.toLowerCase()
    const operation = document.paths[path]?.[verb]
    if (!operation) return undefined
    const documented = operation.responses[statusCode]
    if (!documented) return `${statusCode} is not documented`
    if (isHead || !documented.content) return body === '' ? undefined : 'the body is not documented'
    const type = String(headers['content-type']).split(';')[0] ?? ''
    if (!documented.content[type]) return `${statusCode} as ${type} is not documented`
    if (!type.endsWith('json')) return undefined
    const where = ['paths', path, verb, 'responses', String(statusCode), 'content', type, 'schema']
    const validate = schemaAt(pointer(...where))
    const text =
      rawPayload && headers['content-encoding'] === 'gzip' ? gunzipSync(rawPayload).toString() : body
    return validate(JSON.parse(text)) ? undefined : JSON.stringify(validate.errors?.slice(0, 3))
  }
}

let check: CheckAnswer | undefined

/** Makes every `inject` of an app throw if its answer is not as the API document says. */
export function checkAnswers(app: FastifyInstance): void {
  const inject = app.inject.bind(app) as (options: string | InjectOptions) => Promise<LightMyRequestResponse>
  const checked = async (options: string | InjectOptions) => {
    const answer = await inject(options)
    const { method = 'GET', url } = typeof options === 'string' ? { url: options } : options
    check ??= createAnswerCheck((await inject('/docs/json')).json<OpenApi>())
    const fault = check(String(method).toUpperCase(), String(url), answer)
    if (fault) {
      throw new Error(`${method} ${url}, ${answer.statusCode}, differs from the API document: ${fault}`)
    }
    return answer
  }
  app.inject = checked as unknown as FastifyInstance['inject']
}
