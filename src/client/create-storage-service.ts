import { ApiStorageService, type ApiStorageOptions } from './api-storage-service.ts'
import { LocalStorageService, type LocalStorageOptions } from './local-storage-service.ts'
import type { PracticeStorage } from './storage-service.ts'

/**
 * The options of both services. With `mock: true` or `mock: 'true'`, the options of the API may be left out.
 */
export type StorageServiceOptions =
  | ({ mock: true | 'true' } & LocalStorageOptions)
  | ({ mock?: boolean | string | undefined } & LocalStorageOptions & ApiStorageOptions)

/**
 * Creates a `LocalStorageService` when `mock` is true or `'true'` (the value of `VITE_USE_MOCK_STORAGE`), and
 * an `ApiStorageService` otherwise.
 */
export function createStorageService(options: StorageServiceOptions): PracticeStorage {
  return isMock(options) ? new LocalStorageService(options) : new ApiStorageService(options)
}

function isMock(
  options: StorageServiceOptions
): options is Extract<StorageServiceOptions, { mock: true | 'true' }> {
  return String(options.mock) === 'true'
}
