/** Limits of a session's members. This module imports nothing, so that the browser can use it. */

/** Longest name of a piece or an instrument, in characters. */
export const MAX_NAME_CHARACTERS = 300
/** Longest practice: one day, in seconds. */
export const MAX_DURATION_SECONDS = 86_400
/** Largest score, in bytes of UTF-8. */
export const MAX_XML_BYTES = 10 * 1024 * 1024
/** Longest notes, in characters. */
export const MAX_NOTES_CHARACTERS = 10_000
/** Longest summary or feedback of an analysis, in characters. */
export const MAX_ANALYSIS_CHARACTERS = 1_000_000
/** Earliest year of a session's date, in UTC. */
export const EARLIEST_YEAR = '1900'
/** How far ahead of now the date of a session may be. */
export const MAX_HOURS_AHEAD = 48
