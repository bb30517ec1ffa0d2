import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'

/**
 * Serves OpenAPI 3.1, generated from the schemas of the routes, at `/docs/json`, and Swagger UI at `/docs`.
 */
async function openapi(app: FastifyInstance) {
  await app.register(swagger, {
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
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    theme: { title: 'Harmony Helper API' },
    uiConfig: { layout: 'BaseLayout', docExpansion: 'list', persistAuthorization: true, validatorUrl: null },
    // Swagger UI uses inline styles.
    staticCSP: "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'"
  })
}

export default fp(openapi, { name: 'openapi' })
