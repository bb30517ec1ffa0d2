import t from 'tap'
import { createAccountService } from '../../../src/client/account/index.ts'
import { ApiStorageService } from '../../../src/client/index.ts'
import { startRealApi } from '../helpers/real-api.ts'
import { hex, newSession, recording, recordingOf } from '../helpers/sessions.ts'

t.test('an account moves to another server: export, import, deletion', async (t) => {
  const [from, to] = await Promise.all([startRealApi(t), startRealApi(t)])
  const open = ({ baseUrl, newAccount }: typeof from) => {
    const { token, profile } = newAccount()
    const options = { baseUrl, getAccessToken: async () => token, getProfile: () => profile }
    return { sessions: new ApiStorageService(options), account: createAccountService(options) }
  }
  const [old, other] = [open(from), open(to)]
  const session = newSession({ audio: recording(1), notes: 'slow' })
  await old.sessions.saveSession(session)
  const own = newSession()
  await other.sessions.saveSession(own)

  const archive = await (await old.account.exportArchive()).blob()
  t.match(await other.account.importArchive(archive), { imported: 1, already_there: 0, refused: 0 })
  t.match(await other.account.importArchive(archive), { imported: 0, already_there: 1 })
  const moved = await other.sessions.getSessionById(session.id)
  t.match(moved, { notes: 'slow', songName: session.songName })
  t.equal(await recordingOf(moved!), await hex(recording(1)))
  t.match(await other.account.getAccount(), { session_count: 2, recordings_bytes: recording(1).size })
  await t.rejects(other.account.importArchive(new Blob(['PDF'])), { status: 400, code: 'invalid_archive' })

  await old.account.deleteAccount()
  await old.account.deleteAccount()
  await t.rejects(old.account.getAccount(), { code: 'user_not_synced' })
  t.strictSame(await old.sessions.getSessions(), [])
})
