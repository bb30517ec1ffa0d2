import t from 'tap'
import { IDBFactory } from 'fake-indexeddb'
import { ApiStorageService, LocalStorageService } from '../../../src/client/index.ts'
import { importHistory } from '../../../src/client/offline/index.ts'
import { memoryStorage } from '../helpers/memory-storage.ts'
import { startRealApi } from '../helpers/real-api.ts'
import { hex, newSession, recording, recordingOf } from '../helpers/sessions.ts'

const SESSIONS = 200
const DAY = 86_400_000

t.test(
  'imports 200 sessions with recordings although the server is killed and restarted twice',
  async (t) => {
    // How long a save that was killed keeps the lease on its id.
    const api = await startRealApi(t, { SESSION_LEASE_MS: '1000' })
    const { token, profile } = api.newAccount()
    const service = new ApiStorageService({
      baseUrl: api.baseUrl,
      getAccessToken: async () => token,
      getProfile: () => profile,
      timeZone: 'UTC'
    })
    // Too small for the recordings, so that most of them are in IndexedDB.
    const local = new LocalStorageService({
      storage: memoryStorage(1_000_000),
      indexedDB: new IDBFactory(),
      timeZone: 'UTC'
    })
    const sessions = Array.from({ length: SESSIONS }, (_, index) =>
      newSession({
        id: index % 3 ? crypto.randomUUID() : `legacy-${index}`,
        date: new Date(Date.now() - (index * DAY) / 2 - 1000).toISOString(),
        songName: `Song ${index}`,
        audio: recording(index + 1, 20_000 + index)
      })
    )
    for (const session of sessions) await local.saveSession(session)

    let restarts = Promise.resolve()
    let kills = 0
    async function restart() {
      await api.kill()
      await api.start()
    }
    const report = await importHistory(local, service, {
      onProgress: ({ imported }) => {
        if (kills < 2 && imported >= 60 * (kills + 1)) {
          kills++
          // During a save, not between two.
          restarts = restarts
            .then(
              () =>
                new Promise((resolve) => {
                  setTimeout(resolve, 15)
                })
            )
            .then(restart)
        }
      }
    })
    await restarts

    t.equal(kills, 2)
    t.match(report, { total: SESSIONS, imported: SESSIONS, alreadyThere: 0, problems: [] })
    const account = await service.getSessions()
    t.strictSame(
      account.map(({ songName, date }) => [songName, date]),
      sessions.map(({ songName, date }) => [songName, date]),
      'each session once, with its date'
    )
    const recordings = await Promise.all(account.map(recordingOf))
    t.strictSame(
      recordings,
      await Promise.all(sessions.map(({ audio }) => hex(audio ?? new Blob()))),
      'every recording is unchanged'
    )
    const [mine, theirs] = [await local.getUserStats(), await service.getUserStats()]
    t.strictSame(theirs, mine, 'the same stats')
    t.ok(theirs.streak >= 100, 'sessions are half a day apart')

    t.match(
      await importHistory(local, service),
      { imported: 0, alreadyThere: SESSIONS },
      'a second import does nothing'
    )
  }
)
