/** Storage of practice sessions, in the browser or in the user's account. No dependencies at run time. */
export { ApiStorageService, type ApiStorageOptions, type Profile } from './api-storage-service.ts'
export { createStorageService, type StorageServiceOptions } from './create-storage-service.ts'
export type { Clock } from './clock.ts'
export { LocalStorageService, type LocalStorageOptions } from './local-storage-service.ts'
export {
  StorageError,
  type Analysis,
  type CallOptions,
  type DailyPractice,
  type DayRange,
  type IStorageService,
  type PracticeStorage,
  type Progress,
  type Refusal,
  type SaveOptions,
  type SessionChanges,
  type SessionData,
  type Stale,
  type StartedUpload,
  type UserStatsData
} from './storage-service.ts'
export type { GetAccessToken } from './token.ts'
