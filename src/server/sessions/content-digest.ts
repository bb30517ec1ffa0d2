import { createHash } from 'node:crypto'
import type { SessionContent } from './content.ts'
import type { SessionToCompare } from './repository.ts'

type Content = Omit<SessionContent, 'id'>

/** The members of a session in the order of `digest_session()` (prisma/migrations), as text. */
const MEMBERS: Record<string, (content: Content) => string | null | undefined> = {
  songName: ({ songName }) => songName,
  instrument: ({ instrument }) => instrument,
  durationSeconds: ({ durationSeconds }) => String(durationSeconds),
  date: ({ date }) => date?.toISOString(),
  xmlContent: ({ xmlContent }) => xmlContent,
  notes: ({ notes }) => notes,
  summary: ({ analysisSummary }) => analysisSummary,
  feedback: ({ analysisFeedback }) => analysisFeedback,
  scoreAccuracy: ({ scoreAccuracy }) => scoreAccuracy?.toString(),
  markedXml: ({ markedXml }) => markedXml,
  recording: ({ recording }) => recording?.sha256
}

/**
 * SHA-256 of a session as it is sent, lower-case hexadecimal. Members that are absent or null are left out.
 * PostgreSQL computes the same of a stored session.
 */
export function digestContent(content: Content): string {
  const hash = createHash('sha256')
  for (const [name, textOf] of Object.entries(MEMBERS)) {
    const text = textOf(content) ?? undefined
    if (text !== undefined) hash.update(`${name}:${Buffer.byteLength(text)}:`).update(text)
  }
  return hash.digest('hex')
}

/** The digest without the date: concurrent repeats of a save are equal, whether they send the date or not. */
export const digestUndated = (content: Content): string => digestContent({ ...content, date: undefined })

/**
 * Whether `content` repeats the save of a session: it equals what the session holds now, or what was saved
 * first under its id. The date is compared only if it was sent.
 */
export function isRepeat(
  content: Content,
  { date, contentDigest, currentDigest }: SessionToCompare
): boolean {
  const digests = [content, otherDateForm(content, date)].map((variant) => variant && digestContent(variant))
  return [contentDigest, currentDigest].some((stored) => stored !== null && digests.includes(stored))
}

/**
 * The other form of the same save. If no date was sent: with the stored date. If the stored date was sent: without a
 * date. Otherwise none.
 */
function otherDateForm(content: Content, stored: Date): Content | undefined {
  if (content.date === undefined) return { ...content, date: stored }
  return content.date.getTime() === stored.getTime() ? { ...content, date: undefined } : undefined
}
