import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { TSchema } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'

/** OpenAPI 3.1 from the routes' own schemas at `/docs/json`, and a page to read and try it at `/docs`. */
async function docs(app: FastifyInstance) {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Harmony Helper API',
        version: '1.0.0',
        description:
          'Practice sessions, recordings and streaks of the AI music-practice coach. Every error is RFC 9457 `application/problem+json`; branch on its `code`.'
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
    staticCSP: "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'" // the page styles itself inline
  })
}

/** Documents a header of a response; @fastify/swagger reads it from there, and nothing else does. */
export const withHeader = <T extends TSchema>(schema: T, name: string, description: string): T => ({
  ...schema,
  headers: { [name]: { type: 'string', description } }
})

export default fp(docs, { name: 'docs' })
