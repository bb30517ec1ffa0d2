const EXAMPLE = 'postgresql://user:password@host:5432/name, with special characters percent-encoded'

/**
 * Describes why a value is no usable PostgreSQL URL.
 * @returns what to change; never a part of the URL. undefined when the URL is usable
 */
export function describeDatabaseUrl(value: string): string | undefined {
  if (!/^postgres(ql)?:\/\//.test(value)) return `is not a PostgreSQL URL: ${EXAMPLE}`
  if (value.includes('[YOUR-PASSWORD]')) return 'still has [YOUR-PASSWORD] in the place of the password'
  if (endsWithinPassword(value)) {
    return 'has a #, / or ? in its user or password that is not encoded: write # as %23, / as %2F and ? as %3F'
  }
  if (!URL.canParse(value)) return `is not a URL: ${EXAMPLE}`
  if (!isDecodable(value)) return 'has a % in its user or password that is not encoded: write % as %25'
  return undefined
}

/** The schema of the tables: that of `?schema=`, as Prisma reads it, or `public`. */
export const schemaOf = (url: string): string => new URL(url).searchParams.get('schema') || 'public'

/** Whether the host ends too early: at a `#`, `/` or `?` that was meant as a part of the password. */
function endsWithinPassword(url: string): boolean {
  const [, path = '', query = '', fragment] = /^[^:]+:\/\/([^?#]*)\??([^#]*)(#)?/.exec(url) ?? []
  // In a query, an @ may be part of the value of a parameter.
  return fragment !== undefined || /\/.*@/s.test(path) || /^[^=&]*@/.test(query)
}

function isDecodable(url: string): boolean {
  const { username, password } = new URL(url)
  try {
    // As node-postgres, which takes a % without two digits as it is.
    decodeURIComponent(`${username}:${password}`.replaceAll(/%(?![0-9a-f]{2})/gi, '%25'))
    return true
  } catch {
    return false
  }
}
