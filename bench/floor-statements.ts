/** The statements of the hand-written server, and the answer to the one that needs more than its rows. */

export type SessionRow = {
  id: string
  summary: string | null
  feedback: string | null
  scoreAccuracy: number | null
}

/** One row for each day of this week with practice, or a single one without `day`. */
export type StatsRow = {
  totalSeconds: string
  streak: number
  monday: string
  day: string | null
  seconds: string | null
}

const SESSION_COLUMNS = `s.id, s.date, s.song_name AS "songName", s.instrument, s.duration_seconds AS "durationSeconds",
  s.xml_content AS "xmlContent", s.analysis_summary AS summary, s.analysis_feedback AS feedback,
  s.score_accuracy AS "scoreAccuracy", s.audio_url AS "audioUrl"`

/** Each with the name under which PostgreSQL keeps its plan. The days are those of UTC. */
export const floorStatements = {
  list: {
    name: 'list',
    text: `SELECT s.id, s.song_name, s.instrument, s.date, s.duration_seconds, s.audio_url, s.score_accuracy
      FROM sessions s WHERE s.user_id = (SELECT id FROM users WHERE auth0_id = $1) ORDER BY s.date DESC, s.id`
  },
  session: {
    name: 'session',
    text: `SELECT ${SESSION_COLUMNS} FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.id = $1 AND u.auth0_id = $2`
  },
  stats: {
    name: 'stats',
    text: `SELECT u.total_seconds AS "totalSeconds",
        CASE WHEN u.last_practice_date >= current_date - 1 THEN u.streak_count ELSE 0 END AS streak,
        to_char(date_trunc('week', now()), 'YYYY-MM-DD') AS monday,
        to_char(s.date, 'YYYY-MM-DD') AS day, sum(s.duration_seconds) AS seconds
      FROM users u
      LEFT JOIN sessions s ON s.user_id = u.id AND s.date >= date_trunc('week', now())
        AND s.date < date_trunc('week', now()) + interval '7 days'
      WHERE u.auth0_id = $1 GROUP BY 1, 2, 3, 4`
  },
  save: {
    name: 'save',
    text: `WITH u AS (
        UPDATE users SET last_practice_date = now(), figures_zone = 'UTC', streak_count = CASE last_practice_date::date
          WHEN current_date THEN greatest(streak_count, 1) WHEN current_date - 1 THEN streak_count + 1 ELSE 1 END
        WHERE auth0_id = $1 RETURNING id
      ), s AS (
        INSERT INTO sessions (user_id, song_name, instrument, duration_seconds, xml_content, analysis_summary,
          analysis_feedback, score_accuracy)
        SELECT id, $2, $3, $4, $5, $6, $7, $8 FROM u RETURNING *
      )
      SELECT ${SESSION_COLUMNS} FROM s`
  }
}

const DAY_MS = 86_400_000
const NAMES = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']
const toMinutes = (seconds: string | number | null) => Math.round(Number(seconds) / 60)

/** The answer to GET /api/stats. */
export function weekOf(rows: StatsRow[]) {
  const { totalSeconds = '0', streak = 0, monday = '1970-01-05' } = rows[0] ?? {}
  const seconds = new Map(rows.map(({ day, seconds }) => [day, seconds]))
  return {
    weekly_progress: NAMES.map((day, index) => {
      const date = new Date(Date.parse(monday) + index * DAY_MS).toISOString().slice(0, 10)
      return { day, date, minutes: toMinutes(seconds.get(date) ?? 0) }
    }),
    streak,
    total_minutes: toMinutes(totalSeconds)
  }
}
