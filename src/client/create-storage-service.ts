import { ApiStorageService, type ApiStorageOptions } from './api-storage-service.ts'
import { LocalStorageService, type LocalStorageOptions } from './local-storage-service.ts'
import type { IStorageService } from './storage-service.ts'

/** The options of both services, so that one call serves either mode; `mock` alone is enough for the local one. */
export type StorageServiceOptions =
  | ({ mock: true | 'true' } & LocalStorageOptions)
  | ({ mock?: boolean | string | undefined } & LocalStorageOptions & ApiStorageOptions)

/**
 * The toggle: sessions stay in this browser when `mock` is true or `'true'`, as `VITE_USE_MOCK_STORAGE` says it, and
 * go to the account otherwise.
 */
export function createStorageService(options: StorageServiceOptions): IStorageService {
  return isMock(options) ? new LocalStorageService(options) : new ApiStorageService(options)
}

function isMock(
  options: StorageServiceOptions
): options is Extract<StorageServiceOptions, { mock: true | 'true' }> {
  return String(options.mock) === 'true'
}
