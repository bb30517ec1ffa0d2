import { join } from 'node:path'
import { paint } from './terminal.ts'

interface Welcome {
  urls: Record<'journal' | 'api' | 'database' | 'issuer' | 'storage', string>
  dataDir: string
  /** Body of the first save. */
  firstSession: string
  usesMockStorage: boolean
}

const heading = (text: string) => paint('bold', text)
const link = (url: string) => paint('cyan', url)
const quote = (path: string) => (/^[\w./@:+,-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`)

/** The text that `npm run dev` prints after the start. */
export function welcome({ urls, dataDir, firstSession, usesMockStorage }: Welcome): string {
  const api = urls.api.replace('127.0.0.1', 'localhost')
  const authorization = `-H "Authorization: Bearer $(cat ${quote(join(dataDir, 'token'))})"`
  return `
${heading(`Harmony Helper is running at ${link(urls.journal)}`)}
${usesMockStorage ? inBrowser : inAccount}

  API        ${link(api)}
  API page   ${link(`${api}/docs`)}
  Database   ${link(urls.database)}
  Issuer     ${link(urls.issuer)}
  Storage    ${link(urls.storage)}

${heading('Save a first session with a recording as Clara')}, and open the audioUrl of the answer to hear it:

  curl -X POST ${api}/api/sessions ${authorization} \\
    -H 'Content-Type: application/json' -d @${quote(firstSession)}

${heading('Read the history:')}

  curl ${api}/api/sessions ${authorization}

Clara's token is valid for a day; each start writes a new one. All data is in ${dataDir}/.
Browse the database: DATABASE_URL='${urls.database}' npm run db:studio
LOG_LEVEL=info npm run dev shows every request. Ctrl-C stops everything.
`
}

const inAccount = 'Sign in as Clara or Robert: there are no passwords. Then record, save and listen.'
const inBrowser =
  'The practice journal keeps everything in the browser (VITE_USE_MOCK_STORAGE=true) and needs no sign-in.\n' +
  'The API runs, too, but the journal does not use it.'
