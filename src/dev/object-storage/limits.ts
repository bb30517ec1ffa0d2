import { errors } from './errors.ts'

const KEY = /^[\w/!\-.*'() &$@=;:+,?]+$/
const BUCKET_NAME = /^[\w!\-.*'() &$@=;:+,?]{1,63}$/
const FILE_SIZE = /^(\d+(?:\.\d+)?)(gb|mb|kb|b)$/i
// Powers of ten: the real server reads '50MB' as 50,000,000.
const UNITS: Record<string, number> = { gb: 1e9, mb: 1e6, kb: 1e3, b: 1 }
const MIME_TYPE = /^[\w\-+.]+\/(\*|[\w\-+.]+(;\s*charset=[\w-]+)?)$/

/** Throws unless `key` consists of what the real server allows. Dots are allowed: a key never becomes a path. */
export function assertKey(key: string) {
  if (!KEY.test(key)) throw errors.invalidKey(key)
}

/** Throws unless `name` can name a bucket. */
export function assertBucketName(name: string) {
  if (!BUCKET_NAME.test(name)) throw errors.invalidBucketName()
}

/** Throws unless every rule is a type, or `audio/*`. */
export function assertMimeRules(rules: readonly string[]) {
  const wrong = rules.find((rule) => !MIME_TYPE.test(rule))
  if (wrong !== undefined) throw errors.invalidMimeType(wrong)
}

/** Bytes of a limit written as a number or as `'50MB'`. */
export function parseFileSize(limit: number | string): number {
  if (typeof limit === 'number') return limit
  const [, amount, unit = ''] = FILE_SIZE.exec(limit) ?? []
  const factor = UNITS[unit.toLowerCase()]
  if (amount === undefined || factor === undefined) throw errors.invalidFileSizeLimit()
  return Math.round(Number(amount) * factor)
}

/**
 * Whether a bucket takes the type. As on the real server the whole of what follows the slash is compared,
 * so that `audio/*` takes `audio/webm;codecs=opus` and `audio/webm` does not.
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
