import type { Account, ImportSummary } from '../../contract/users.ts'
import { createHttp, readJson } from '../api-http.ts'
import type { ApiStorageOptions } from '../api-storage-service.ts'
import { systemClock } from '../clock.ts'
import type { CallOptions, SaveOptions } from '../storage-service.ts'

export type { Account, ImportSummary }

export type AccountOptions = Pick<
  ApiStorageOptions,
  'getAccessToken' | 'baseUrl' | 'fetch' | 'XMLHttpRequest' | 'clock' | 'timeoutMs'
>

export type AccountService = ReturnType<typeof createAccountService>

type Signal = Pick<CallOptions, 'signal'>

const PATH = '/api/users/me'

/** For what the server may be busy with for long, such as the deletion of many recordings. */
const LONG_TIMEOUT_MS = 15 * 60_000

/**
 * The account as a whole. Every failure is a `StorageError`; `user_not_synced` (409) for a user who has no account
 * yet. `timeoutMs` is the time limit of `getAccount`.
 */
export function createAccountService({
  baseUrl = '',
  getAccessToken,
  clock = systemClock,
  timeoutMs = 30_000,
  ...given
}: AccountOptions) {
  const origin = baseUrl.replace(/\/+$/, '')
  const options = {
    baseUrl: origin,
    getAccessToken,
    fetch: given.fetch ?? ((url: string, init: RequestInit) => fetch(url, init)),
    Xhr: given.XMLHttpRequest ?? (given.fetch ? undefined : globalThis.XMLHttpRequest),
    clock
  }
  const http = createHttp({ ...options, timeoutMs })
  const longTimeoutHttp = createHttp({ ...options, timeoutMs: LONG_TIMEOUT_MS })

  const getAccount = (call?: Signal): Promise<Account> => http.call({ ...call, method: 'GET', path: PATH })

  /** The headers for a token that was accepted a moment ago. */
  async function authorize(signal: AbortSignal | undefined): Promise<{ authorization: string }> {
    await getAccount({ signal })
    return { authorization: `Bearer ${await getAccessToken({ cacheMode: 'on' })}` }
  }

  return {
    /** The user, what the account holds (sessions, minutes, bytes), and what it may hold. */
    getAccount,

    /**
     * All data of the account as a ZIP archive. Resolves with the beginning of the answer: read `body`, which fails if
     * the connection breaks, and cancel it to stop.
     */
    async exportArchive(call?: Signal): Promise<Response> {
      const headers = await authorize(call?.signal)
      const url = `${origin}${PATH}/export`
      return longTimeoutHttp.transfer({ ...call, method: 'GET', url, headers }, async (response) =>
        response.ok ? response : readJson<Response>(response)
      )
    },

    /**
     * Imports an archive from `exportArchive`, of this server or another one. The sessions keep their ids, and those
     * that the account has stay as they are: an import can be repeated, also after one that was interrupted.
     * `onProgress` reports the bytes that were sent.
     */
    async importArchive(
      archive: Blob,
      call?: Pick<SaveOptions, 'signal' | 'onProgress'>
    ): Promise<ImportSummary> {
      const headers = { ...(await authorize(call?.signal)), 'content-type': 'application/zip' }
      const url = `${origin}${PATH}/import`
      return longTimeoutHttp.once(
        { ...call, method: 'POST', url, headers, body: archive },
        readJson<ImportSummary>
      )
    },

    /**
     * Deletes the account with all sessions and recordings. Safe to repeat: after a failure, repeating finishes the
     * work. Resolves when everything is deleted, also if there is no account. The next save creates an empty one.
     */
    deleteAccount: (call?: Signal): Promise<void> =>
      longTimeoutHttp.call({ ...call, method: 'DELETE', path: PATH })
  }
}
