/** Largest value of the column `revision`. */
const MAX_REVISION = 2 ** 31 - 1

/** A tag of ours, weak or not: the revision, and perhaps the version of its signed URLs. */
const REVISION_TAG = /^(?:W\/)?"(\d{1,10})(?:-\d+)?"$/

/**
 * The entity tag (RFC 9110, section 8.8.3) of one session, from the revision of its row.
 * @param linkPeriod changes when an unchanged session gets new signed URLs
 */
export const revisionTag = (revision: number, linkPeriod?: number): string =>
  linkPeriod === undefined ? `"${revision}"` : `"${revision}-${linkPeriod}"`

/**
 * The revisions that a header `If-Match` allows (RFC 9110, section 13.1.1). Signed URLs do not count.
 * Compression makes a tag weak (`W/`), which does not count either.
 * @returns null if any revision is allowed: without the header, and for `*`
 */
export function revisionsIn(ifMatch: string | undefined): number[] | null {
  if (ifMatch === undefined || ifMatch.trim() === '*') return null
  return ifMatch
    .split(',')
    .map((tag) => Number(REVISION_TAG.exec(tag.trim())?.[1]))
    .filter((revision) => revision <= MAX_REVISION)
}
