/**
 * Maps the field names of the deployed Harmony Helper frontend (CONTRACT, "The frontend that exists") to the documented
 * ones before validation. A documented name takes precedence.
 */
type Body = Record<string, unknown>

const isObject = (value: unknown): value is Body =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The first value that is present. */
const either = (...values: unknown[]) => values.find((value) => value !== undefined)

/** Omits undefined values, so that validation reports a missing field as missing. */
const defined = (body: Body): Body =>
  Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined))

/** Body of `POST /api/users/sync`. */
export function toSyncUser(body: unknown): unknown {
  if (!isObject(body)) return body
  return defined({
    ...body,
    auth0_id: either(body['auth0_id'], body['sub']),
    timeZone: either(body['timeZone'], body['time_zone'])
  })
}

/** Body of `POST /api/sessions`. Also accepts a full session as GET returns it. */
export function toNewSession(body: unknown): unknown {
  if (!isObject(body)) return body
  return defined({
    ...body,
    songName: either(body['songName'], body['song_name']),
    duration: either(
      body['duration'],
      practised(body['total_practice_seconds']),
      body['durationSeconds'],
      body['duration_seconds']
    ),
    xmlContent: either(body['xmlContent'], body['xml_content']),
    analysis: toAnalysis(body['analysis'])
  })
}

/** `total_practice_seconds` is the duration, unless the frontend counted nothing. */
const practised = (seconds: unknown) =>
  seconds === null || (typeof seconds === 'number' && seconds <= 0) ? undefined : seconds

function toAnalysis(analysis: unknown): unknown {
  if (!isObject(analysis)) return analysis
  return defined({
    ...analysis,
    summary: either(analysis['summary'], analysis['performace_summary']), // the frontend's spelling
    feedback: either(analysis['feedback'], analysis['coach-feedback'])
  })
}
