import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

type Stack = {
  journal: string
  api: string
  token: string
  dataDir: string
  databaseUrl: string
  issuer: string
  storageUrl: string
}

const RECORDING = new URL('../../test/fixtures/recording.webm', import.meta.url)

/** Writes a first session, with a recording, to be sent with curl. @returns its path */
async function writeFirstSession(dataDir: string): Promise<string> {
  const file = join(dataDir, 'first-session.json')
  const audioBase64 = `data:audio/webm;codecs=opus;base64,${await readFile(RECORDING, 'base64')}`
  await writeFile(
    file,
    JSON.stringify({
      songName: 'Ode to Joy',
      instrument: 'Piano',
      duration: 1260,
      analysis: { summary: 'Steady tempo', feedback: 'Mind the dotted notes in bar 12.', scoreAccuracy: 87 },
      audioBase64
    })
  )
  return file
}

/** What a newcomer needs to see once everything runs. */
export async function welcome({
  journal,
  api,
  token,
  dataDir,
  databaseUrl,
  issuer,
  storageUrl
}: Stack): Promise<string> {
  const firstSession = await writeFirstSession(dataDir)
  return `
Harmony Helper is running; its data are in ${dataDir}/. Ctrl-C ends everything.

  Open      ${journal}
            the practice journal: sign in (any password is right), record, save, listen

  API       ${api}
  API docs  ${api}/docs
  Database  ${databaseUrl}
            look inside: DATABASE_URL=${databaseUrl} npm run db:studio
  Issuer    ${issuer}
  Storage   ${storageUrl}

A token for Clara, good for a day (more: ${issuer}oauth/token):

${token}

Save a first session with a recording; its answer's audioUrl plays it:

curl -X POST ${api}/api/sessions -H 'Content-Type: application/json' -H 'Authorization: Bearer ${token}' -d @${firstSession}

LOG_LEVEL=info npm run dev shows every request.
`
}
