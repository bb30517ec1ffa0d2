import { query } from './database.ts'

/** Ids of a user's sessions, with the `sub` of the user. */
export type Musician = { sub: string; sessionIds: string[] }

/** `songName`: the name of all sessions. By default, five names take turns. */
export type Practice = { users: number; sessionsPerUser: number; songName?: string }

/**
 * Inserts users with histories of the last 90 days. One session in ten has a score of 20 KB.
 * @returns each user with the ids of their ten newest sessions
 */
export async function createPractice(
  databaseUrl: string,
  prefix: string,
  { users, sessionsPerUser, songName }: Practice
): Promise<Musician[]> {
  await query(
    databaseUrl,
    `
    INSERT INTO users (auth0_id, email, time_zone)
    SELECT $1 || n, 'bench@example.com', 'UTC' FROM generate_series(1, $2::int) n`,
    [prefix, users]
  )
  await query(
    databaseUrl,
    `
    INSERT INTO sessions (user_id, song_name, instrument, duration_seconds, date, xml_content, analysis_summary,
      analysis_feedback, score_accuracy, audio_url)
    SELECT users.id,
      coalesce($3, (ARRAY['Nocturne in E-flat major, Op. 9 No. 2', 'Für Elise', 'Clair de Lune', 'Autumn Leaves', 'Blackbird'])[1 + n % 5]),
      (ARRAY['Piano', 'Guitar', 'Violin', 'Flute'])[1 + n / 5 % 4],
      300 + n * 7919 % 3300,
      now() - n * 90.0 / $2 * interval '1 day',
      CASE WHEN n % 10 = 3 THEN repeat('<note><pitch><step>C</step><octave>4</octave></pitch><duration>' || n || '</duration></note>', 240) END,
      'Steady rhythm. The left hand rushes in bars 12 to 16.',
      'Practise bars 12 to 16 with each hand alone, then raise the tempo by four beats a day.',
      60 + n % 40,
      'https://storage.example/' || users.id || '/' || n || '.webm'
    FROM users, generate_series(1, $2::int) n WHERE auth0_id LIKE $1 || '%'`,
    [prefix, sessionsPerUser, songName ?? null]
  )
  await query(databaseUrl, 'VACUUM ANALYZE users, sessions')
  return query<Musician>(
    databaseUrl,
    `
    SELECT auth0_id AS sub, ARRAY(
      SELECT id FROM sessions WHERE user_id = users.id ORDER BY date DESC, id LIMIT 10
    ) AS "sessionIds"
    FROM users WHERE auth0_id LIKE $1 || '%'`,
    [prefix]
  )
}
