import type { Test } from 'tap'
import { IDBFactory } from 'fake-indexeddb'
import {
  ApiStorageService,
  type ApiStorageOptions,
  type Clock,
  type SessionData
} from '../../../src/client/index.ts'
import { createOutbox, type OutboxOptions } from '../../../src/client/offline/index.ts'
import { startFakeApi } from './fake-api.ts'

/** For the service: pauses take no time. */
const clockWithoutPauses: Clock = { now: () => new Date(), sleep: async () => {} }
/** For the outbox: only short pauses end, so that it retries only when a test calls `flush`. */
const clockWithoutRetries: Clock = {
  now: () => new Date(),
  sleep: (milliseconds) =>
    new Promise((resolve) => {
      if (milliseconds < 1000) setTimeout(resolve, 5)
    })
}

/** A browser with an account on the fake API. Each `open` is a page with an outbox. */
export async function startOutboxes(t: Test, token = 'token', options: Partial<ApiStorageOptions> = {}) {
  const api = await startFakeApi()
  t.teardown(() => api.kill())
  const indexedDB = new IDBFactory()
  const service = new ApiStorageService({
    baseUrl: api.baseUrl,
    getAccessToken: async () => token,
    clock: clockWithoutPauses,
    ...options
  })
  function open(options: Partial<OutboxOptions> = {}) {
    const outbox = createOutbox(service, {
      account: 'clara',
      indexedDB,
      locks: undefined,
      clock: clockWithoutRetries,
      events: new EventTarget(),
      ...options
    })
    t.teardown(() => outbox.close())
    return outbox
  }
  const network = {
    fail: () => {
      api.fault = () => 'cut'
    },
    recover: () => {
      api.fault = () => undefined
    }
  }
  const arrived = () =>
    api.requests
      .filter(({ method, path }) => method === 'POST' && path === '/api/sessions')
      .map(({ body }) => JSON.parse(body).id as string)
  return { api, service, open, network, arrived, indexedDB }
}

export const states = (sessions: SessionData[]) => sessions.map(({ id, pending }) => [id, pending])
