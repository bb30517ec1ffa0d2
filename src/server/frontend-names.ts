// The deployed Harmony Helper frontend sends some fields under other names. They are mapped to the documented
// names before validation. A documented name that is present wins.

type Body = Record<string, unknown>

const isObject = (value: unknown): value is Body =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The first of `values` that is not undefined. */
const firstOf = (...values: unknown[]) => values.find((value) => value !== undefined)

/** Drops undefined members, so that validation reports a missing field as missing. */
const withoutUndefined = (body: Body): Body =>
  Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined))

/** Maps the body of `POST /api/users/sync`. */
export function toSyncUser(body: unknown): unknown {
  if (!isObject(body)) return body
  return withoutUndefined({
    ...body,
    auth0_id: firstOf(body['auth0_id'], body['sub']),
    timeZone: firstOf(body['timeZone'], body['time_zone'])
  })
}

/** Maps the body of `POST /api/sessions`. The answer of `GET /api/sessions/:id` is a valid body, too. */
export function toNewSession(body: unknown): unknown {
  if (!isObject(body)) return body
  return withoutUndefined({
    ...body,
    songName: firstOf(body['songName'], body['song_name']),
    duration: firstOf(
      body['duration'],
      positiveOrNone(body['total_practice_seconds']),
      body['durationSeconds'],
      body['duration_seconds']
    ),
    xmlContent: firstOf(body['xmlContent'], body['xml_content']),
    analysis: toAnalysis(body['analysis'])
  })
}

/**
 * The frontend sends `total_practice_seconds` as 0 or null when it counted nothing. The duration is then in
 * another field.
 */
const positiveOrNone = (seconds: unknown) =>
  seconds === null || (typeof seconds === 'number' && seconds <= 0) ? undefined : seconds

function toAnalysis(analysis: unknown): unknown {
  if (!isObject(analysis)) return analysis
  return withoutUndefined({
    ...analysis,
    summary: firstOf(analysis['summary'], analysis['performace_summary']), // the frontend's spelling
    feedback: firstOf(analysis['feedback'], analysis['coach-feedback'])
  })
}
