import type { Account } from '../../contract/users.ts'
import type { StoredSession } from '../sessions/repository.ts'
import { pathsOf } from './exported-files.ts'

const STYLE = `
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 45rem; margin: 2rem auto; padding: 0 1rem }
article { border-top: 1px solid #8888; padding: 1rem 0 }
h2 { margin: 0 }
audio { display: block; width: 100%; margin: .5rem 0 }
.text { white-space: pre-wrap; overflow-wrap: anywhere }
:root { color-scheme: light dark }`

type Options = {
  account: Account
  /** A name that `Intl` knows. */
  timeZone: string
  /** Whether a recording is in the archive. */
  hasRecording: (sessionId: string) => boolean
}

/** The page of an export, in pieces: it shows every session and plays its recording without a network. */
export async function* exportPage(
  sessions: AsyncIterable<StoredSession>,
  { account, timeZone, hasRecording }: Options
): AsyncGenerator<string> {
  const format = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'short', timeZone })
  const title = `Practice of ${account.name ?? account.email ?? 'a musician'}`
  yield `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escape(title)}</title><style>${STYLE}</style></head><body>
<h1>${escape(title)}</h1>
<p>${account.session_count} sessions, ${account.total_minutes} minutes. Times are those of ${escape(timeZone)}.</p>
`
  for await (const session of sessions) yield article(session, format.format(session.date), hasRecording)
  yield '</body></html>\n'
}

function article(session: StoredSession, date: string, hasRecording: Options['hasRecording']): string {
  const { score, markedScore, recording } = pathsOf(session)
  const minutes = Math.round(session.durationSeconds / 60)
  const accuracy = session.scoreAccuracy === null ? '' : `, accuracy ${session.scoreAccuracy} %`
  const parts = [
    `<h2>${escape(session.songName)}</h2>`,
    `<p><time datetime="${session.date.toISOString()}">${escape(date)}</time>, ` +
      `${escape(session.instrument)}, ${minutes} min${accuracy}</p>`,
    recording && hasRecording(session.id) && `<audio controls preload="none" src="${recording}"></audio>`,
    recording && !hasRecording(session.id) && '<p>The recording is missing.</p>',
    link(score, 'Score'),
    link(markedScore, 'Score with marks'),
    text('Notes', session.notes),
    text('Summary', session.analysisSummary),
    text('Feedback', session.analysisFeedback)
  ]
  return `<article>\n${parts.filter(Boolean).join('\n')}\n</article>\n`
}

const link = (path: string | null, name: string) => path && `<p><a href="${path}" download>${name}</a></p>`

const text = (title: string, value: string | null) =>
  value && `<h3>${title}</h3>\n<div class="text">${escape(value)}</div>`

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;'
}
const escape = (value: string) => value.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
