import type { FastifyRequest } from 'fastify'
import { errors } from './errors.ts'

/**
 * A hook that accepts only the service key as bearer token, as the real server does: it ignores `apikey`,
 * which only the gateway of hosted Supabase reads. Keys of anonymous and signed-in users, and the policies
 * for them, are not implemented.
 */
export function requireKey(serviceKey: string) {
  return async function authenticate({ headers }: FastifyRequest) {
    if (headers.authorization === undefined) throw errors.missingAuthorization()
    if (headers.authorization.replace(/^Bearer /i, '') !== serviceKey) throw errors.accessDenied()
  }
}
