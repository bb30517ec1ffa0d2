import { createStorageService, LocalStorageService, type IStorageService } from 'harmony-helper/client'
import { auth0 } from './auth.ts'

const { VITE_USE_MOCK_STORAGE, VITE_API_URL } = import.meta.env

export const USE_MOCK = VITE_USE_MOCK_STORAGE === 'true'

/** The toggle: this browser, or the account. */
export const storageService: IStorageService = createStorageService({
  mock: USE_MOCK,
  baseUrl: VITE_API_URL ?? '',
  getAccessToken: async (options) => {
    const token = await auth0?.getTokenSilently(options)
    if (!token) throw new Error('Nobody is signed in')
    return token
  },
  getProfile: () => auth0?.getUser()
})

/** What was kept in this browser before there was an account, to be imported. */
export const localHistory = new LocalStorageService()
