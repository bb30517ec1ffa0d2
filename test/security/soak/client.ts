import { randomBytes, randomInt, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Upload } from '../../../src/contract/recordings.ts'
import type { TestIssuer } from '../../helpers/issuer.ts'
import { fixture } from '../../helpers/recordings.ts'
import { digestOf, type Deed, type openJournal } from './journal.ts'

/** Longer than the time limits of the server: without an answer by then, the outcome is unknown. */
const ANSWER_MS = 20_000

type Options = {
  sub: string
  issuer: TestIssuer
  journal: ReturnType<typeof openJournal>
  /** URL of the server that runs now. */
  url: () => string
  signal: AbortSignal
}

const webm = await fixture('recording.webm')
/** A recording that no other session has; one in five is so large that it is written to a spool file. */
const newRecording = () =>
  Buffer.concat([webm, Buffer.alloc(randomInt(5) === 0 ? 200_000 : 0), randomBytes(16)])

/** Saves, reads, edits and deletes as one user, one request after the other, until `signal` aborts. */
export async function practise({ sub, issuer, journal, url, signal }: Options): Promise<void> {
  const mine: string[] = []
  const send = (method: string, path: string, body?: unknown) =>
    fetch(`${url()}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${issuer.token(sub)}`,
        ...(body !== undefined && { 'content-type': 'application/json' })
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(ANSWER_MS)
    }).then(async (response) => {
      const text = await response.text()
      return new Response(response.status === 204 ? null : text, { status: response.status })
    })
  async function attempt(deed: Omit<Deed, 'sub'>, work: () => Promise<Response>) {
    const isAcknowledged = await journal.attempt({ sub, ...deed }, work)
    if (!isAcknowledged) await sleep(200) // the server, or a dependency, is away
    return isAcknowledged
  }

  async function save(hasRecording: boolean) {
    const [id, notes, seconds] = [randomUUID(), randomUUID(), randomInt(3600)]
    const bytes = hasRecording ? newRecording() : undefined
    const recording = bytes && { recording: digestOf(bytes) }
    const body = {
      id,
      notes,
      songName: 'Ode to Joy',
      instrument: 'Piano',
      duration: seconds,
      audioBase64: bytes?.toString('base64')
    }
    if (
      await attempt({ act: 'save', id, notes, seconds, ...recording }, () =>
        send('POST', '/api/sessions', body)
      )
    ) {
      mine.push(id)
    }
    return id
  }

  async function upload() {
    const id = await save(false)
    const bytes = newRecording()
    const begun = await send('POST', `/api/sessions/${id}/recording`, {
      contentType: 'audio/webm',
      bytes: bytes.length
    })
    if (begun.status !== 201) return
    const { uploadId, url: target, contentType } = (await begun.json()) as Upload
    await (
      await fetch(target, {
        method: 'PUT',
        headers: { 'content-type': contentType },
        body: new Uint8Array(bytes),
        signal: AbortSignal.timeout(ANSWER_MS)
      })
    ).text()
    await attempt({ act: 'attach', id, recording: digestOf(bytes) }, () =>
      send('POST', `/api/sessions/${id}/recording/complete`, { uploadId })
    )
  }

  async function act() {
    const id = mine[randomInt(mine.length + 1)]
    const choice = randomInt(10)
    if (id === undefined || choice < 3) await save(choice % 2 === 0)
    else if (choice < 4) await upload()
    else if (choice < 6) {
      const notes = randomUUID()
      await attempt({ act: 'edit', id, notes }, () => send('PATCH', `/api/sessions/${id}`, { notes }))
    } else if (choice < 7) {
      await attempt({ act: 'detach', id }, () => send('DELETE', `/api/sessions/${id}/recording`))
    } else if (choice < 8) {
      // Whatever comes of it, nothing more is done with this session.
      mine.splice(mine.indexOf(id), 1)
      await attempt({ act: 'delete', id }, () => send('DELETE', `/api/sessions/${id}`))
    } else await send('GET', choice < 9 ? '/api/sessions' : '/api/stats')
  }

  while (!signal.aborted) {
    if (mine.length === 0) await send('POST', '/api/users/sync', { auth0_id: sub }).catch(() => {})
    await act().catch(() => sleep(200))
    await sleep(randomInt(50))
  }
}
