import { createStorageService, LocalStorageService, type PracticeStorage } from '@harmony-helper/client'
import { auth0 } from './auth.ts'

const { VITE_USE_MOCK_STORAGE, VITE_API_URL } = import.meta.env

export const USE_MOCK = VITE_USE_MOCK_STORAGE === 'true'

/** Stores sessions in this browser (mock mode) or in the account. */
export const storageService: PracticeStorage = createStorageService({
  mock: USE_MOCK,
  baseUrl: VITE_API_URL ?? '',
  getAccessToken: async (options) => auth0?.getTokenSilently(options),
  getProfile: () => auth0?.getUser()
})

/** The history in this browser, from before the user had an account. */
export const localHistory = new LocalStorageService()
