import type { FastifyRequest } from 'fastify'
import { errors } from './errors.ts'

/**
 * A hook that lets only the service key in. The real server takes it as a bearer token, hosted Supabase's gateway
 * in `apikey` too; whatever is sent has to be right. Anonymous and users' keys, and the policies that would tell
 * what they may do, are not imitated.
 */
export function requireKey(serviceKey: string) {
  return async function authenticate({ headers }: FastifyRequest) {
    const bearer = headers.authorization?.replace(/^Bearer /i, '')
    const given = [bearer, headers.apikey].filter((key) => key !== undefined)
    if (given.length === 0) throw errors.missingAuthorization()
    if (given.some((key) => key !== serviceKey)) throw errors.accessDenied()
  }
}
