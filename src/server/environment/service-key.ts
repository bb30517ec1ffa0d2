/** Claims of Supabase's JWT keys. `ref` is the project. */
type Claims = { role?: unknown; exp?: unknown; ref?: unknown }

/** Roles that may not create buckets or read private ones. */
const BROWSER_ROLES = new Set<unknown>(['anon', 'authenticated'])

/**
 * Describes why a key cannot be the service key of the project, as far as the key itself shows it.
 * @param supabaseUrl undefined if it is missing or invalid
 * @returns what to change; never a part of the key. undefined when nothing is wrong
 */
export function describeServiceKey(key: string, supabaseUrl?: string): string | undefined {
  if (!/^[\x21-\x7e]+$/.test(key)) return 'has characters that a key cannot have'
  if (key.startsWith('sb_publishable_')) {
    return 'is a publishable key, which browsers use: set it to a secret key (sb_secret_…)'
  }
  if (key.startsWith('sbp_')) {
    return 'is a personal access token: set it to a secret key of the project (sb_secret_…)'
  }
  const { role, exp, ref } = readClaims(key)
  if (BROWSER_ROLES.has(role)) {
    return `is a key of the role ${String(role)}, which browsers use: set it to the key of the role service_role`
  }
  if (typeof exp === 'number' && exp * 1000 < Date.now()) return 'has expired: set it to a valid service key'
  const [, project] = /^https:\/\/([a-z0-9]+)\.supabase\.co/.exec(supabaseUrl ?? '') ?? []
  if (typeof ref === 'string' && project && ref !== project) {
    return 'is the key of another project than SUPABASE_URL: copy both from the same project'
  }
  return undefined
}

/** The claims of a JWT, not verified; none for another key. */
function readClaims(key: string): Claims {
  const [, payload, signature] = key.split('.')
  if (!payload || !signature) return {}
  try {
    return (JSON.parse(Buffer.from(payload, 'base64url').toString()) as Claims | null) ?? {}
  } catch {
    return {}
  }
}
