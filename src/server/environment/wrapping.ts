/** Variables that list items. Blanks around an item do not matter. */
const LISTS = new Set(['CORS_ORIGINS', 'BLOCKED_USERS', 'TRUST_PROXY'])

const QUOTES = '"\'`“”‘’'
const isQuoted = new RegExp(`^[${QUOTES}]|[${QUOTES}]$`)

/**
 * Describes what an env file or a shell has left around a value. `docker run --env-file` keeps quotation
 * marks, and a secret made from a file keeps its last line break.
 * @returns undefined when there is nothing around the value; never a part of it
 */
export function describeWrapping(name: string, value: string): string | undefined {
  const trimmed = value.trim()
  if (isQuoted.test(trimmed)) {
    return 'has quotation marks around its value: leave them out (docker run --env-file keeps them)'
  }
  if (LISTS.has(name)) return undefined
  if (trimmed !== value) return 'has blanks or a line break around its value: leave them out'
  if (/\s#/.test(value)) return 'has a comment behind its value: move the comment to a line of its own'
  return undefined
}

/** The value without what surrounds it, for the checks that follow. */
export const unwrap = (value: string): string =>
  value
    .replace(/\s#.*$/s, '')
    .trim()
    .replace(new RegExp(`^[${QUOTES}]+|[${QUOTES}]+$`, 'g'), '')
    .trim()
