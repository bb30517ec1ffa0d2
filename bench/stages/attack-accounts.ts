import type { Calls } from '../load/start-crowd.ts'
import { query } from '../services/database.ts'
import type { Services } from '../services/environment.ts'
import { saveOf } from './attack-requests.ts'
import { createPractice, type Musician, type Practice } from '../services/practice.ts'

const INNOCENTS = 25
const SESSIONS_PER_INNOCENT = 100
const ATTACKERS = 4
const UPLOADS = 700
const ROWS = { ordinary: 50_000, long: 100_000 }
/** The longest name of a song, and the largest score, in characters. */
const [NAME_LENGTH, SCORE_LENGTH] = [300, 10_000_000]

export type Accounts = Awaited<ReturnType<typeof createAccounts>>

/** The accounts of those who are measured and of those who attack, with what they have stored before. */
export async function createAccounts({ database: { url }, tokenOf }: Services) {
  const create = async (name: string, practice: Practice) => {
    const musicians = await createPractice(url, `auth0|bench-${name}-`, practice)
    return Promise.all(
      musicians.map(async (musician) => ({ ...musician, token: await tokenOf(musician.sub) }))
    )
  }
  const createOne = async (name: string, sessionsPerUser: number, songName = 'Ode to Joy') =>
    (await create(name, { users: 1, sessionsPerUser, songName }))[0]!

  const innocents = await create('innocent', { users: INNOCENTS, sessionsPerUser: SESSIONS_PER_INNOCENT })
  const attackers = await create('attacker', { users: ATTACKERS, sessionsPerUser: 1 })
  const uploader = await createOne('uploader', UPLOADS)
  const regular = await createOne('regular', 1)
  return {
    innocents: innocents.flatMap(readsOf),
    attackers: attackers.map(({ token }) => token),
    regular: allKindsOf(regular, await createUploads(url, regular)),
    largeScore: await enlargeScore(url, attackers[0]!.sessionIds[0]!),
    uploads: await createUploads(url, uploader),
    saver: (await createOne('saver', 1)).token,
    ordinaryRows: (await createOne('ordinary', ROWS.ordinary)).token,
    longRows: (await createOne('long', ROWS.long, 'Étude '.repeat(NAME_LENGTH / 6))).token
  }
}

type Account = Musician & { token: string }

/** What a page of the frontend asks for. */
const readsOf = ({ token, sessionIds: [id] }: Account): Calls =>
  ['/api/sessions', `/api/sessions/${id}`, '/api/stats'].map((path) => ({ path, token }))

/** Requests of each kind that is attacked or measured. */
function allKindsOf(account: Account, uploads: Calls): Calls {
  const { token } = account
  const saves = [20, 1_000_000].map((length) => ({ path: '/api/sessions', token, body: saveOf(length) }))
  const open = ['/docs/json', '/readyz'].map((path) => ({ path, token }))
  return [...readsOf(account), ...saves, ...uploads, ...open]
}

/** @returns the path of the session */
async function enlargeScore(url: string, id: string): Promise<string> {
  await query(
    url,
    `UPDATE sessions SET xml_content = left(repeat('<note><duration>4</duration></note>', $2::int / 35 + 1), $2::int) WHERE id = $1`,
    [id, SCORE_LENGTH]
  )
  return `/api/sessions/${id}`
}

/** One request for an upload URL of 50 MB for each session of the account, which have no recordings. */
async function createUploads(url: string, { sub, token }: Account): Promise<Calls> {
  const rows = await query<{ id: string }>(
    url,
    `UPDATE sessions SET audio_url = NULL WHERE user_id = (SELECT id FROM users WHERE auth0_id = $1) RETURNING id`,
    [sub]
  )
  const body = JSON.stringify({ contentType: 'audio/webm', bytes: 50 * 2 ** 20 })
  return rows.map(({ id }) => ({ path: `/api/sessions/${id}/recording`, token, body }))
}
