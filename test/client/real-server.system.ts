import t from 'tap'
import { IDBFactory } from 'fake-indexeddb'
import { ApiStorageService } from '../../src/client/index.ts'
import { createOutbox } from '../../src/client/offline/index.ts'
import { startRealApi } from './helpers/real-api.ts'
import { hex, newSession, recording, recordingOf } from './helpers/sessions.ts'
import { behaviours } from './storage-service-suite.ts'

t.test('against the real server', async (t) => {
  const { baseUrl, newAccount, kill, start } = await startRealApi(t)

  await t.test('ApiStorageService passes the shared suite of storage services', async (t) => {
    for (const [behaviour, run] of Object.entries(behaviours)) {
      const { token, profile } = newAccount()
      await t.test(behaviour, () =>
        run(new ApiStorageService({ baseUrl, getAccessToken: async () => token, getProfile: () => profile }))
      )
    }
  })

  await t.test('ApiStorageService with direct uploads passes the shared suite', async (t) => {
    for (const [behaviour, run] of Object.entries(behaviours)) {
      const { token, profile } = newAccount()
      await t.test(behaviour, () =>
        run(
          new ApiStorageService({
            baseUrl,
            getAccessToken: async () => token,
            getProfile: () => profile,
            directUploadBytes: 1
          })
        )
      )
    }
  })

  await t.test('the outbox delivers sessions that were saved while the server was down', async (t) => {
    const { token, profile } = newAccount()
    const service = new ApiStorageService({
      baseUrl,
      getAccessToken: async () => token,
      getProfile: () => profile
    })
    const outbox = createOutbox(service, {
      account: profile.sub,
      indexedDB: new IDBFactory(),
      locks: undefined,
      events: new EventTarget()
    })
    t.teardown(() => outbox.close())
    const sessions = [1, 2, 3].map((seed) =>
      newSession({ date: `2026-01-0${seed}T00:00:00.000Z`, audio: recording(seed) })
    )
    await kill()
    await Promise.all(sessions.map((session) => outbox.saveSession(session)))
    t.ok((await outbox.getSessions()).every(({ pending }) => pending === 'waiting'))
    await start()
    await outbox.flush()
    const arrived = (await service.getSessions()).reverse()
    t.strictSame(
      arrived.map(({ id }) => id),
      sessions.map(({ id }) => id)
    )
    t.strictSame(
      await Promise.all(arrived.map(recordingOf)),
      await Promise.all([1, 2, 3].map((seed) => hex(recording(seed))))
    )
  })
})
