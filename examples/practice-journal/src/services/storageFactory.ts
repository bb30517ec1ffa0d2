import {
  createStorageService,
  LocalStorageService,
  type GetAccessToken,
  type PracticeStorage
} from '@harmony-helper/client'
import { createAccountService } from '@harmony-helper/client/account'
import { auth0 } from './auth.ts'

const { VITE_USE_MOCK_STORAGE, VITE_API_URL } = import.meta.env

export const USE_MOCK = VITE_USE_MOCK_STORAGE === 'true'

let account: string | undefined

/** From now on only tokens of this account are used: another tab may sign in somebody else. */
export function acceptTokensOf(sub: string) {
  account = sub
}

/** Undefined when nobody, or somebody else, is signed in. */
const getAccessToken: GetAccessToken = async (options) => {
  const token = await auth0?.getTokenSilently(options)
  const user = await auth0?.getUser()
  return account && user?.sub !== account ? undefined : token
}

/** Stores sessions in this browser (mock mode) or in the account. */
export const storageService: PracticeStorage = createStorageService({
  mock: USE_MOCK,
  baseUrl: VITE_API_URL ?? '',
  getAccessToken,
  getProfile: () => auth0?.getUser()
})

/** The account as a whole; not used in mock mode. */
export const accountService = createAccountService({ baseUrl: VITE_API_URL ?? '', getAccessToken })

/** The history in this browser, from before the user had an account. */
export const localHistory = new LocalStorageService()
