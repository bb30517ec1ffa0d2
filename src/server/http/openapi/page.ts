import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import fastify, { type FastifyInstance, type RouteOptions } from 'fastify'
import { errorList } from './error-list.ts'
import { nameSchemas } from './name-schemas.ts'

/** A route, as the document needs it. */
export type DocumentedRoute = Pick<RouteOptions, 'method' | 'url' | 'schema'>

const description =
  'Practice sessions, recordings and streaks of the AI music-practice coach. ' +
  'Every error is RFC 9457 `application/problem+json`; branch on its `code`.'

const tags = [
  { name: 'Users', description: 'The signed-in user' },
  { name: 'Sessions', description: 'Practice sessions with score, analysis and recording' },
  { name: 'Recordings', description: 'Recordings of saved sessions, sent to the storage directly' },
  { name: 'Stats', description: 'The weekly graph and the streak' },
  { name: 'Health', description: 'For platforms and load balancers' },
  {
    name: 'Existing frontend',
    description: 'The same API in the names of the Harmony Helper frontend. New code uses `/api`.'
  }
]

/**
 * An application of its own that serves the OpenAPI document of `routes`, and under `/docs` its page with a
 * list of all errors. It never listens.
 * @param schemas the shared schemas to which those of the routes refer
 */
export async function createOpenapiPage(
  routes: DocumentedRoute[],
  schemas: Record<string, unknown>
): Promise<FastifyInstance> {
  const page = fastify({ exposeHeadRoutes: false })
  page.setValidatorCompiler(() => () => true)
  page.setSerializerCompiler(() => JSON.stringify)
  for (const schema of Object.values(schemas)) page.addSchema(schema)

  await page.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Harmony Helper API',
        version: '1.0.0',
        description,
        contact: { name: 'Harmony Helper contributors' },
        license: { name: 'MIT', identifier: 'MIT' }
      },
      servers: [{ url: '/', description: 'The server that answers with this document' }],
      tags,
      components: {
        securitySchemes: {
          auth0: {
            type: 'http',
            scheme: 'bearer',
            bearerFormat: 'JWT',
            description: 'Auth0 access token for this API'
          }
        }
      },
      security: [{ auth0: [] }]
    },
    transformObject: (document) =>
      nameSchemas('openapiObject' in document ? document.openapiObject : document.swaggerObject),
    refResolver: {
      buildLocalReference: (schema, _base, _fragment, index) =>
        typeof schema['$id'] === 'string' ? schema['$id'] : `def-${index}`
    }
  })
  page.addHook('onSend', async (_request, reply, payload) =>
    // A file of Swagger UI is a stream.
    typeof payload === 'string' && String(reply.getHeader('content-type')).startsWith('text/html')
      ? payload.replace('</body>', () => `${errorList}</body>`)
      : payload
  )
  await page.register(swaggerUi, {
    routePrefix: '/docs',
    theme: { title: 'Harmony Helper API' },
    uiConfig: {
      layout: 'BaseLayout',
      docExpansion: 'list',
      persistAuthorization: true,
      validatorUrl: null,
      // Rendering the operations moves the section that the URL's fragment names: scroll there again.
      onComplete: () => document.getElementById(location.hash.slice(1))?.scrollIntoView()
    },
    // Swagger UI uses inline styles.
    staticCSP: "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'"
  })
  for (const route of routes) page.route({ ...route, handler: () => {} })
  await page.ready()
  return page
}
