import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import fastify, { type FastifyInstance, type RouteOptions } from 'fastify'

/**
 * An application of its own that serves the OpenAPI document of `routes` and its page under `/docs`. It never listens.
 * @param schemas the shared schemas to which those of the routes refer
 */
export async function createOpenapiPage(
  routes: RouteOptions[],
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
        description:
          'Practice sessions, recordings and streaks of the AI music-practice coach. ' +
          'Every error is RFC 9457 `application/problem+json`; branch on its `code`.'
      },
      tags: [{ name: 'Users' }, { name: 'Sessions' }, { name: 'Stats' }, { name: 'Health' }],
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
    refResolver: {
      buildLocalReference: (schema, _base, _fragment, index) =>
        typeof schema['$id'] === 'string' ? schema['$id'] : `def-${index}`
    }
  })
  await page.register(swaggerUi, {
    routePrefix: '/docs',
    theme: { title: 'Harmony Helper API' },
    uiConfig: { layout: 'BaseLayout', docExpansion: 'list', persistAuthorization: true, validatorUrl: null },
    // Swagger UI uses inline styles.
    staticCSP: "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'"
  })
  for (const { method, url, schema } of routes) {
    page.route({ method, url, ...(schema && { schema }), handler: () => {} })
  }
  await page.ready()
  return page
}
