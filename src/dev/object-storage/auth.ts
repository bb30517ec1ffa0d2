import type { FastifyRequest } from 'fastify'
import { errors } from './errors.ts'

/**
 * A hook that accepts only the service key. The real server reads it from the bearer token, and the gateway
 * of hosted Supabase also from `apikey`. If both are sent, both must be valid. Keys of anonymous and
 * signed-in users, and the policies for them, are not implemented.
 */
export function requireKey(serviceKey: string) {
  return async function authenticate({ headers }: FastifyRequest) {
    const bearer = headers.authorization?.replace(/^Bearer /i, '')
    const given = [bearer, headers.apikey].filter((key) => key !== undefined)
    if (given.length === 0) throw errors.missingAuthorization()
    if (given.some((key) => key !== serviceKey)) throw errors.accessDenied()
  }
}
