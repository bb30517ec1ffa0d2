import { errors } from './errors.ts'

const KEY = /^[\w/!\-.*'() &$@=;:+,?]+$/
const BUCKET_NAME = /^[\w!\-.*'() &$@=;:+,?]{1,63}$/
const FILE_SIZE = /^(\d+(?:\.\d+)?)(gb|mb|kb|b)$/i
// Powers of ten: the real server reads '50MB' as 50,000,000.
const UNITS: Record<string, number> = { gb: 1e9, mb: 1e6, kb: 1e3, b: 1 }
const MIME_TYPE = /^[\w\-+.]+\/(\*|[\w\-+.]+(;\s*charset=[\w-]+)?)$/

/**
 * Throws unless the real server allows all characters of `key`. Dots are safe, because a key never becomes a
 * path.
 */
export function assertKey(key: string) {
  if (!KEY.test(key)) throw errors.invalidKey(key)
}

/** Throws unless `name` is a valid name of a bucket. */
export function assertBucketName(name: string) {
  if (!BUCKET_NAME.test(name)) throw errors.invalidBucketName()
}

/** Throws unless every rule is a content type or a wildcard such as `audio/*`. */
export function assertMimeRules(rules: readonly string[]) {
  const wrong = rules.find((rule) => !MIME_TYPE.test(rule))
  if (wrong !== undefined) throw errors.invalidMimeType(wrong)
}

/** Converts a limit to bytes: a number, or a text such as `'50MB'`. */
export function parseFileSize(limit: number | string): number {
  if (typeof limit === 'number') return limit
  const [, amount, unit = ''] = FILE_SIZE.exec(limit) ?? []
  const factor = UNITS[unit.toLowerCase()]
  if (amount === undefined || factor === undefined) throw errors.invalidFileSizeLimit()
  return Math.round(Number(amount) * factor)
}

/**
 * Whether the rules of a bucket allow the content type. As on the real server, everything after the slash is
 * compared. So `audio/*` allows `audio/webm;codecs=opus`, and `audio/webm` does not.
 */
export function allowsType(rules: readonly string[] | null, type: string): boolean {
  if (!rules?.length) return true
  const [kind, subtype] = type.split('/')
  return rules.some((rule) => {
    const [allowedKind, allowedSubtype] = rule.split('/')
    return (
      kind === allowedKind && subtype !== undefined && (allowedSubtype === '*' || allowedSubtype === subtype)
    )
  })
}
